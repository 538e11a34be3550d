/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * memdiag: where did the memory go, who holds it, and is it leaking?
 *
 * This header is the whole contract between memdiag.ko and userspace.
 *
 * Asking
 * ------
 * Open /dev/memdiag read-only. open() wants CAP_SYS_ADMIN in the initial user
 * namespace. Then
 *
 *  1. MEMDIAG_IOC_INFO says which sections this module knows, which of them
 *     work on this kernel, and how much memory snapshots may take.
 *  2. MEMDIAG_IOC_SNAPSHOT collects the asked sections into one snapshot that
 *     belongs to this open file. A second SNAPSHOT replaces the first.
 *  3. read(), pread() and mmap(PROT_READ, MAP_SHARED or MAP_PRIVATE) hand out
 *     the bytes of that snapshot. Before the first SNAPSHOT they fail with
 *     ENODATA. The bytes never change; a mapping keeps the snapshot it was
 *     made from alive, also past a second SNAPSHOT or close(). SNAPSHOT does
 *     not move the file position.
 *
 * What is consistent
 * ------------------
 * The sections of a snapshot are collected back to back, in the order of the
 * section table; the header says when the first began and the last ended.
 * Records of one section come from one walk, in the way the kernel itself
 * reads the subject: under its locks where it takes them, let go in between
 * where the walk is long, and without where it takes none. Nothing is frozen
 * meanwhile: different sections are that many nanoseconds apart, and values
 * that move can disagree by what moved.
 *
 * The bytes
 * ---------
 * struct memdiag_header, then a table of struct memdiag_section, then for
 * each section its table of struct memdiag_field and its records, then the
 * string table. All integers are in the byte order of the machine that
 * collected them (@byte_order tells). All offsets count from the start of the
 * snapshot and are multiples of eight. Each table says how long one entry is:
 * step by that length, not by the length known here; later versions append
 * members. Every value of a record is one 64-bit word; its field says what the
 * word means. Strings are NUL-terminated in the string table; names that are
 * the kernel's own are ASCII, those given by users (of cgroups, say) any bytes.
 * They are never cut.
 *
 * A file written by "memdiagctl save" holds the same bytes, with a checksum
 * filled in.
 *
 * Growing
 * -------
 * Every ioctl argument starts with @size and @flags. A caller built against an
 * older header passes a smaller size and gets the answers it knows; one built
 * against a newer header passes a larger size, and gets an error only when it
 * uses what this module does not know.
 *
 * Errors
 * ------
 *  E2BIG       @size is larger than this module knows and the part it does not
 *              know is not all zero
 *  EACCES      the node was opened for writing, or a mapping asked for more
 *              than PROT_READ
 *  EFAULT      the argument is not readable and writable memory
 *  EINTR       a fatal signal arrived while collecting
 *  EINVAL      @size is smaller than the first version of the structure, or
 *              the offset or length of a mapping does not lie in the snapshot
 *  EMFILE      snapshots of all open files together would exceed the limit;
 *              a single section too large for it is only unavailable
 *  ENODATA     there is no snapshot yet to read or map
 *  ENOMEM      no memory for the snapshot
 *  ENOTTY      unknown command
 *  EOPNOTSUPP  a flag, a reserved member or a section bit is set that this
 *              module does not know
 *  EPERM       open() without CAP_SYS_ADMIN in the initial user namespace
 */
#ifndef _UAPI_MEMDIAG_H
#define _UAPI_MEMDIAG_H

#include <linux/types.h>
#include <linux/ioctl.h>

/** MEMDIAG_FORMAT_MAJOR - a reader must refuse a different major version */
#define MEMDIAG_FORMAT_MAJOR	1
/** MEMDIAG_FORMAT_MINOR - grows when tables grow by appending */
#define MEMDIAG_FORMAT_MINOR	0

/** MEMDIAG_MAGIC - first eight bytes of a snapshot */
#define MEMDIAG_MAGIC		"MEMDIAG\n"
/** MEMDIAG_BYTE_ORDER - how @byte_order reads in the right byte order */
#define MEMDIAG_BYTE_ORDER	0x01020304u

/**
 * MEMDIAG_ABSENT - value of a field that could not be read
 *
 * Never zero: a reader shows "-", null or no sample. The same word for every
 * type; as a signed number it is the smallest there is.
 */
#define MEMDIAG_ABSENT		0x8000000000000000ull
/**
 * MEMDIAG_UNLIMITED - value of a limit that is not set ("max"); for type U64
 */
#define MEMDIAG_UNLIMITED	0x8000000000000001ull

/**
 * enum memdiag_section_id - sections, in the order they are collected
 * @MEMDIAG_SEC_SYSTEM: one record: the machine, the kernel, its instruments
 * @MEMDIAG_SEC_RESOLVE: per symbol, layout and file: how it was found
 * @MEMDIAG_SEC_VMSTAT: per counter of /proc/vmstat
 * @MEMDIAG_SEC_NODE: per NUMA node: its vm statistics
 * @MEMDIAG_SEC_ZONE: per zone: watermarks, sizes, vm statistics, state
 * @MEMDIAG_SEC_PCP: per zone and CPU: the per-cpu page lists
 * @MEMDIAG_SEC_BUDDY: per zone, migratetype and order: free blocks
 * @MEMDIAG_SEC_FRAGMENTATION: per zone and order: can it be had, why not
 * @MEMDIAG_SEC_PAGEBLOCK: per zone and migratetype: number of pageblocks
 * @MEMDIAG_SEC_SLAB: per slab cache
 * @MEMDIAG_SEC_VMALLOC: per area of the vmalloc address space
 * @MEMDIAG_SEC_VMALLOC_CALLER: the same areas, added up per caller and kind
 * @MEMDIAG_SEC_VMALLOC_MODULE: the same areas, added up per module
 * @MEMDIAG_SEC_MEMCG: per memory cgroup, online or dying
 * @MEMDIAG_SEC_LEDGER: per use: every managed page in exactly one line
 * @MEMDIAG_SEC_IDENTITY: per sum that people rely on: both sides, what is left
 * @MEMDIAG_SEC_CENSUS: per zone, kind, migratetype and order: page frames, by
 *	looking at each; on request
 * @MEMDIAG_SEC_CENSUS_WALK: per zone: what that cost; on request
 * @MEMDIAG_SEC_MISPLACED: the same for unmovable pages in blocks that should be
 *	movable; on request
 * @MEMDIAG_SEC_TASK: per process
 * @MEMDIAG_SEC_SHMEM: per tmpfs superblock, and per kind of file of internal ones
 * @MEMDIAG_SEC_SHMEM_FILE: per process and tmpfs file it holds open that has no
 *	name any more; on request
 * @MEMDIAG_SEC_NET: per protocol and network namespace
 * @MEMDIAG_SEC_NET_TASK: per process and protocol: its sockets; on request
 * @MEMDIAG_SEC_NET_COUNTER: per counter of the network
 * @MEMDIAG_SEC_MODULE: per module, loaded or unloaded
 * @MEMDIAG_SEC_CACHE_MEMCG: per slab cache and memory cgroup: what is charged; on
 *	request
 * @MEMDIAG_SEC_INODE: per inode, of those with the most page cache; on request
 * @MEMDIAG_SEC_TRACK_STATUS: one record: how the tracker of allocations stands
 * @MEMDIAG_SEC_TRACK: per stack, kind, and cache or order: what it allocated and has
 *	not freed; on request
 * @MEMDIAG_NR_SECTIONS: number of sections known to this header
 *
 * A section's bit in a section mask is 1 << id.
 */
enum memdiag_section_id {
	MEMDIAG_SEC_SYSTEM,
	MEMDIAG_SEC_RESOLVE,
	MEMDIAG_SEC_VMSTAT,
	MEMDIAG_SEC_NODE,
	MEMDIAG_SEC_ZONE,
	MEMDIAG_SEC_PCP,
	MEMDIAG_SEC_BUDDY,
	MEMDIAG_SEC_FRAGMENTATION,
	MEMDIAG_SEC_PAGEBLOCK,
	MEMDIAG_SEC_SLAB,
	MEMDIAG_SEC_VMALLOC,
	MEMDIAG_SEC_VMALLOC_CALLER,
	MEMDIAG_SEC_VMALLOC_MODULE,
	MEMDIAG_SEC_MEMCG,
	MEMDIAG_SEC_LEDGER,
	MEMDIAG_SEC_IDENTITY,
	MEMDIAG_SEC_CENSUS,
	MEMDIAG_SEC_CENSUS_WALK,
	MEMDIAG_SEC_MISPLACED,
	MEMDIAG_SEC_TASK,
	MEMDIAG_SEC_SHMEM,
	MEMDIAG_SEC_SHMEM_FILE,
	MEMDIAG_SEC_NET,
	MEMDIAG_SEC_NET_TASK,
	MEMDIAG_SEC_NET_COUNTER,
	MEMDIAG_SEC_MODULE,
	MEMDIAG_SEC_CACHE_MEMCG,
	MEMDIAG_SEC_INODE,
	MEMDIAG_SEC_TRACK_STATUS,
	MEMDIAG_SEC_TRACK,
	MEMDIAG_NR_SECTIONS
};

/**
 * enum memdiag_state - what became of a section
 * @MEMDIAG_STATE_NOT_ASKED: not in the mask of this snapshot
 * @MEMDIAG_STATE_OK: complete
 * @MEMDIAG_STATE_PARTIAL: records are there, something is missing: see @reason
 * @MEMDIAG_STATE_UNAVAILABLE: no records: see @error and @reason
 */
enum memdiag_state {
	MEMDIAG_STATE_NOT_ASKED,
	MEMDIAG_STATE_OK,
	MEMDIAG_STATE_PARTIAL,
	MEMDIAG_STATE_UNAVAILABLE,
};

/**
 * enum memdiag_type - how to read the 64-bit word of a field
 * @MEMDIAG_TYPE_U64: unsigned number
 * @MEMDIAG_TYPE_S64: signed number
 * @MEMDIAG_TYPE_STR: offset into the string table
 * @MEMDIAG_TYPE_HEX: bits or an address, shown in hexadecimal
 * @MEMDIAG_TYPE_BOOL: 0 or 1
 */
enum memdiag_type {
	MEMDIAG_TYPE_U64,
	MEMDIAG_TYPE_S64,
	MEMDIAG_TYPE_STR,
	MEMDIAG_TYPE_HEX,
	MEMDIAG_TYPE_BOOL,
};

/**
 * enum memdiag_unit - what a number counts
 * @MEMDIAG_UNIT_NONE: nothing, a plain count or a text
 * @MEMDIAG_UNIT_BYTES: bytes
 * @MEMDIAG_UNIT_PAGES: pages of the size in the header
 * @MEMDIAG_UNIT_NS: nanoseconds
 * @MEMDIAG_UNIT_PERMILLE: thousandths
 * @MEMDIAG_UNIT_KBYTES: units of 1024 bytes, where the kernel counts so
 */
enum memdiag_unit {
	MEMDIAG_UNIT_NONE,
	MEMDIAG_UNIT_BYTES,
	MEMDIAG_UNIT_PAGES,
	MEMDIAG_UNIT_NS,
	MEMDIAG_UNIT_PERMILLE,
	MEMDIAG_UNIT_KBYTES,
};

/**
 * enum memdiag_kind - how a value behaves over time
 * @MEMDIAG_KIND_LABEL: says what the record is about or describes it
 * @MEMDIAG_KIND_GAUGE: goes up and down
 * @MEMDIAG_KIND_COUNTER: only grows, so a difference makes a rate
 */
enum memdiag_kind {
	MEMDIAG_KIND_LABEL,
	MEMDIAG_KIND_GAUGE,
	MEMDIAG_KIND_COUNTER,
};

/**
 * enum memdiag_source - the way in by which a datum was obtained
 * @MEMDIAG_SRC_NONE: not obtained
 * @MEMDIAG_SRC_EXPORT: exported symbols and public headers
 * @MEMDIAG_SRC_OPS: the kernel's own operations, taken from an opened file or
 *	an exported object
 * @MEMDIAG_SRC_TEXT: text that the kernel printed into one of its files
 * @MEMDIAG_SRC_SYMBOL: data at the address of a symbol that is not exported
 * @MEMDIAG_SRC_BTF: as above, at offsets read from the kernel's own BTF
 * @MEMDIAG_SRC_DERIVED: computed from other records of the snapshot
 * @MEMDIAG_SRC_GIVEN: data at an address that was given when the module was
 *	loaded, from /proc/kallsyms or a System.map
 * @MEMDIAG_SRC_MIRROR: private structures at the offsets that memdiag's own
 *	declaration of them has for this kernel
 * @MEMDIAG_SRC_CALIBRATED: private structures at offsets that were found by
 *	looking for objects of our own in them; memdiag 0.1 only
 * @MEMDIAG_SRC_PAGES: found by looking at every page frame
 */
enum memdiag_source {
	MEMDIAG_SRC_NONE,
	MEMDIAG_SRC_EXPORT,
	MEMDIAG_SRC_OPS,
	MEMDIAG_SRC_TEXT,
	MEMDIAG_SRC_SYMBOL,
	MEMDIAG_SRC_BTF,
	MEMDIAG_SRC_DERIVED,
	MEMDIAG_SRC_GIVEN,
	MEMDIAG_SRC_MIRROR,
	MEMDIAG_SRC_CALIBRATED,
	MEMDIAG_SRC_PAGES,
};

/**
 * struct memdiag_field - describes one field of a section's records
 * @name: string offset; the kernel's own word, unique within the section
 * @help: string offset; one line, states what is counted
 * @type: enum memdiag_type
 * @unit: enum memdiag_unit
 * @kind: enum memdiag_kind
 * @flags: MEMDIAG_FIELD_*
 * @offset: of the 64-bit word in the record, bytes, a multiple of eight
 * @source: enum memdiag_source
 */
struct memdiag_field {
	__u32 name;
	__u32 help;
	__u16 type;
	__u16 unit;
	__u16 kind;
	__u16 flags;
	__u32 offset;
	__u32 source;
};

/** MEMDIAG_FIELD_KEY - together with the other keys identifies the record */
#define MEMDIAG_FIELD_KEY	(1u << 0)
/** MEMDIAG_FIELD_INEXACT - has an error bound, stated in @help */
#define MEMDIAG_FIELD_INEXACT	(1u << 1)
/** MEMDIAG_FIELD_BRIEF - belongs to the columns shown without being asked */
#define MEMDIAG_FIELD_BRIEF	(1u << 2)

/**
 * struct memdiag_section - one entry of the section table
 * @id: enum memdiag_section_id
 * @state: enum memdiag_state
 * @error: negative errno when @state is unavailable, else 0
 * @name: string offset; also the name of the debugfs file and of the JSON key
 * @help: string offset; one line
 * @reason: string offset; why it is partial or unavailable, else ""
 * @source: enum memdiag_source of the records
 * @nr_fields: number of field descriptors
 * @field_size: bytes from one field descriptor to the next
 * @record_size: bytes from one record to the next
 * @fields: offset of the field descriptors
 * @records: offset of the records
 * @nr_records: number of records
 * @collect_ns: time it took to collect, nanoseconds
 * @lock_ns: longest time a spinning lock of the kernel was held meanwhile,
 *	nanoseconds; MEMDIAG_ABSENT if the kernel's own code held it, unmeasured
 * @restarts: how often the walk began again because it ran out of space
 * @__reserved: zero
 */
struct memdiag_section {
	__u32 id;
	__u32 state;
	__s32 error;
	__u32 name;
	__u32 help;
	__u32 reason;
	__u32 source;
	__u32 nr_fields;
	__u32 field_size;
	__u32 record_size;
	__u64 fields;
	__u64 records;
	__u64 nr_records;
	__u64 collect_ns;
	__u64 lock_ns;
	__u32 restarts;
	__u32 __reserved;
};

/**
 * struct memdiag_header - first bytes of a snapshot
 * @magic: MEMDIAG_MAGIC
 * @byte_order: MEMDIAG_BYTE_ORDER, as the collecting machine stores it
 * @format_major: MEMDIAG_FORMAT_MAJOR
 * @format_minor: MEMDIAG_FORMAT_MINOR
 * @header_size: bytes of this header
 * @nr_sections: entries of the section table, all sections the module knows
 * @section_size: bytes from one entry of the section table to the next
 * @total_size: bytes of the whole snapshot
 * @sections: offset of the section table
 * @strings: offset of the string table; its first byte is NUL
 * @strings_size: bytes of the string table; its last byte is NUL
 * @generation: number of the snapshot since the module was loaded, from 1
 * @start_ns: CLOCK_MONOTONIC when collecting began
 * @end_ns: CLOCK_MONOTONIC when collecting ended
 * @boottime_ns: CLOCK_BOOTTIME when collecting began: monotonic plus suspend
 * @realtime_ns: CLOCK_REALTIME when collecting began
 * @boot_id: the kernel's random identity of this boot; all zero if unreadable
 * @page_size: bytes of a page
 * @checksum: CRC-32 (as in zlib) of the whole snapshot with this member zero;
 *	valid if MEMDIAG_HEADER_CHECKSUM is set
 * @flags: MEMDIAG_HEADER_*
 * @version: string offset; version of the module that collected
 * @__reserved: zero
 */
struct memdiag_header {
	__u8  magic[8];
	__u32 byte_order;
	__u16 format_major;
	__u16 format_minor;
	__u32 header_size;
	__u32 nr_sections;
	__u32 section_size;
	__u32 flags;
	__u64 total_size;
	__u64 sections;
	__u64 strings;
	__u64 strings_size;
	__u64 generation;
	__u64 start_ns;
	__u64 end_ns;
	__u64 boottime_ns;
	__u64 realtime_ns;
	__u8  boot_id[16];
	__u32 page_size;
	__u32 checksum;
	__u32 version;
	__u32 __reserved;
};

/** MEMDIAG_HEADER_CHECKSUM - @checksum is filled in (saved files only) */
#define MEMDIAG_HEADER_CHECKSUM	(1u << 0)

/**
 * struct memdiag_info - argument of MEMDIAG_IOC_INFO
 * @size: in: sizeof(struct memdiag_info) of the caller
 * @flags: in: zero
 * @format_major: out: MEMDIAG_FORMAT_MAJOR of the module
 * @format_minor: out: MEMDIAG_FORMAT_MINOR of the module
 * @nr_sections: out: number of sections the module knows
 * @known: out: mask of all sections the module knows
 * @available: out: mask of sections that are ok or partial on this kernel; track has
 *	something to say only once tracking was started
 * @snapshot_limit: out: bytes that all snapshots together may take
 * @snapshot_bytes: out: bytes that they take now
 * @version: out: version of the module, NUL-terminated
 * @defaults: out: mask of the sections that a snapshot of all has; the others
 *	cost more than a look in passing and must be asked for by name
 */
struct memdiag_info {
	__u32 size;
	__u32 flags;
	__u16 format_major;
	__u16 format_minor;
	__u32 nr_sections;
	__aligned_u64 known;
	__aligned_u64 available;
	__aligned_u64 snapshot_limit;
	__aligned_u64 snapshot_bytes;
	__u8 version[32];
	__aligned_u64 defaults;
};

/**
 * struct memdiag_snapshot - argument of MEMDIAG_IOC_SNAPSHOT
 * @size: in: sizeof(struct memdiag_snapshot) of the caller
 * @flags: in: zero
 * @sections: in: mask of sections to collect, 0 for all in @defaults of struct
 *	memdiag_info; sections that others are derived from are added. out: the
 *	sections collected
 * @bytes: out: length of the snapshot
 * @generation: out: as in the header
 * @collect_ns: out: time it took, nanoseconds
 * @__reserved: in: zero
 * @track_min_age_ns: in: leave objects younger than this out of what section
 *	track says is outstanding, nanoseconds
 */
struct memdiag_snapshot {
	__u32 size;
	__u32 flags;
	__aligned_u64 sections;
	__aligned_u64 bytes;
	__aligned_u64 generation;
	__aligned_u64 collect_ns;
	__aligned_u64 __reserved;
	__aligned_u64 track_min_age_ns;
};

/**
 * DOC: Tracking
 *
 * MEMDIAG_IOC_TRACK_START attaches probes to the kernel's own tracepoints of
 * its allocators and remembers each object that passes the filter until it is
 * freed, by the stack that allocated it. MEMDIAG_IOC_TRACK_STOP detaches them.
 * There is one tracker for the whole machine; it goes on when the file is
 * closed. Section track_status says how it stands, section track what is
 * outstanding. Both can be read at any time, and reading changes nothing. After
 * a stop they show what was outstanding at the stop, until the next start or a
 * stop with MEMDIAG_TRACK_DISCARD. A start forgets it to make room for its own tables,
 * so it is lost as well if these find no memory.
 */

/** MEMDIAG_TRACK_SLAB - @kinds: objects of slab caches, kmalloc() included */
#define MEMDIAG_TRACK_SLAB	(1u << 0)
/** MEMDIAG_TRACK_PAGES - @kinds: pages straight from the page allocator */
#define MEMDIAG_TRACK_PAGES	(1u << 1)
/** MEMDIAG_TRACK_PERCPU - @kinds: per-cpu memory */
#define MEMDIAG_TRACK_PERCPU	(1u << 2)

/** MEMDIAG_TRACK_BY_SIZE - @flags: only sizes from @size_min to @size_max */
#define MEMDIAG_TRACK_BY_SIZE	(1u << 0)
/**
 * MEMDIAG_TRACK_BY_ORDER - @flags: only orders from @order_min to @order_max;
 *	slab objects and per-cpu memory have none and are left out
 */
#define MEMDIAG_TRACK_BY_ORDER	(1u << 1)
/** MEMDIAG_TRACK_BY_PID - @flags: only what process @pid allocates */
#define MEMDIAG_TRACK_BY_PID	(1u << 2)
/** MEMDIAG_TRACK_BY_CGROUP - @flags: only what tasks in @cgroup or below it allocate */
#define MEMDIAG_TRACK_BY_CGROUP	(1u << 3)
/**
 * MEMDIAG_TRACK_BY_MODULE - @flags: only what code of @module allocates: it called
 *	the allocator itself; where the kernel does not tell who did, as for pages and
 *	per-cpu memory, the first frame of the stack that is not the kernel's own is in
 *	it. What a helper such as kmemdup() allocates for it needs ANYWHERE. As many
 *	frames are looked at as there may be, whatever depth is kept.
 */
#define MEMDIAG_TRACK_BY_MODULE	(1u << 4)
/**
 * MEMDIAG_TRACK_ANYWHERE - @flags: with BY_MODULE: any frame of the stack is in it;
 *	costs more, as the stack of each allocation is looked through
 */
#define MEMDIAG_TRACK_ANYWHERE	(1u << 5)
/**
 * MEMDIAG_TRACK_BY_CACHE - @flags: only slab caches whose name matches @cache;
 *	pages and per-cpu memory are left out
 */
#define MEMDIAG_TRACK_BY_CACHE	(1u << 6)

/**
 * struct memdiag_track_start - argument of MEMDIAG_IOC_TRACK_START
 * @size: in: sizeof(struct memdiag_track_start) of the caller
 * @flags: in: MEMDIAG_TRACK_BY_* and MEMDIAG_TRACK_ANYWHERE: the filter; what is
 *	not asked for by a flag is not looked at. All given conditions must hold.
 * @kinds: in: MEMDIAG_TRACK_SLAB, PAGES, PERCPU; 0 for all that this kernel can.
 *	out: those that are tracked
 * @depth: in: frames kept of a stack, at most 64; 0 for 16. out: those kept
 * @objects: in: live objects to make room for; 0 for a default that depends on
 *	RAM. out: room made. What does not fit is counted in track_status.
 * @stacks: in: different stacks to make room for; 0 for a default. out: room made
 * @one_in: in: track one of so many objects, chosen by their address; a power of
 *	two; 0 and 1 for all. Counts are of the objects tracked, not scaled.
 * @pid: in: process (thread group) id as seen by the caller
 * @size_min: in: bytes asked for, at least
 * @size_max: in: bytes asked for, at most
 * @order_min: in: page order, at least
 * @order_max: in: page order, at most
 * @cgroup: in: inode number of the directory of the cgroup (version 2)
 * @module: in: name of a module, NUL-terminated; it need not be loaded yet
 * @cache: in: name of slab caches, NUL-terminated; * and ? match as in a shell
 * @bytes: out: memory that the tables take, bytes
 *
 * Errors beside those of all commands: EALREADY it is started already; EINVAL a
 * value makes no sense, such as a minimum above its maximum or a string without
 * NUL; ENOENT there is no such process or cgroup; ENOMEM no memory for the
 * tables; EOPNOTSUPP also if this kernel has no tracepoints to attach to: section
 * track_status says what is missing; for BY_CACHE if section slab does not know how the
 * kernel lays its caches out, for BY_CGROUP if it has no cgroups. BY_MODULE also what
 * opening /proc/modules says, such as ENOENT without /proc.
 */
struct memdiag_track_start {
	__u32 size;
	__u32 flags;
	__u32 kinds;
	__u32 depth;
	__aligned_u64 objects;
	__aligned_u64 stacks;
	__u32 one_in;
	__s32 pid;
	__aligned_u64 size_min;
	__aligned_u64 size_max;
	__u32 order_min;
	__u32 order_max;
	__aligned_u64 cgroup;
	__u8 module[64];
	__u8 cache[64];
	__aligned_u64 bytes;
};

/** MEMDIAG_TRACK_DISCARD - @flags of TRACK_STOP: forget what was tracked as well */
#define MEMDIAG_TRACK_DISCARD	(1u << 0)

/**
 * struct memdiag_track_stop - argument of MEMDIAG_IOC_TRACK_STOP
 * @size: in: sizeof(struct memdiag_track_stop) of the caller
 * @flags: in: 0 or MEMDIAG_TRACK_DISCARD
 *
 * Stopping what does not run is no error.
 */
struct memdiag_track_stop {
	__u32 size;
	__u32 flags;
};

/**
 * struct memdiag_settle - argument of MEMDIAG_IOC_SETTLE
 * @size: in: sizeof(struct memdiag_settle) of the caller
 * @flags: in: zero
 * @waited_ns: out: time it took, nanoseconds
 *
 * Waits until what was freed before the call is freed indeed: callbacks of RCU
 * that are queued have run, kfree_rcu() batches are given back, lazily unmapped
 * vmalloc areas are purged. It frees nothing that is in use.
 *
 * From Linux 7.0 on kfree_rcu() collects in the caches of each CPU. What is collected there
 * is not given back by this: fewer objects per cache and CPU than field sheaf_capacity
 * of section slab says. The tracker counts them as freed, section slab as in use. A cache that is destroyed gives back its own.
 */
struct memdiag_settle {
	__u32 size;
	__u32 flags;
	__aligned_u64 waited_ns;
};

/*
 * The command numbers carry no size on purpose: @size does, so the structures
 * can grow without new numbers.
 */
#define MEMDIAG_IOC_TYPE	0xB7
#define MEMDIAG_IOC_INFO	_IO(MEMDIAG_IOC_TYPE, 0x00)
#define MEMDIAG_IOC_SNAPSHOT	_IO(MEMDIAG_IOC_TYPE, 0x01)
#define MEMDIAG_IOC_TRACK_START	_IO(MEMDIAG_IOC_TYPE, 0x02)
#define MEMDIAG_IOC_TRACK_STOP	_IO(MEMDIAG_IOC_TYPE, 0x03)
#define MEMDIAG_IOC_SETTLE	_IO(MEMDIAG_IOC_TYPE, 0x04)

#endif /* _UAPI_MEMDIAG_H */
