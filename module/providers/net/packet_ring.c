// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of the rings that packet sockets share with a process (PACKET_RX_RING,
 * PACKET_TX_RING). The kernel takes it from the page allocator and accounts it
 * nowhere; its size stands in struct packet_sock, which is private.
 *
 * The layout comes from BTF. A socket is only looked at if its protocol makes sockets
 * of just that size. Of a ring five numbers are read that depend on each other by what
 * the kernel accepts (packet_set_ring()); if they do not fit, none is trusted. So a wrong
 * layout is seen, and a ring that is set up at this moment, too. No pointer is followed.
 */
#include <linux/bits.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/socket.h>
#include <net/sock.h>

#include "../../memdiag.h"
#include "../../resolve/resolve.h"
#include "packet_ring.h"

enum packet_member {
	PACKET_RX_AT,
	PACKET_TX_AT,
	PACKET_SIZE,
	RING_VECTOR,
	RING_FRAMES_PER_BLOCK,
	RING_FRAME_SIZE,
	RING_FRAME_MAX,
	RING_ORDER,
	RING_BLOCK_PAGES,
	RING_BLOCKS,
	NR_PACKET_MEMBERS,
};

/* In bytes, PACKET_SIZE too; of a ring from its beginning. */
static u32 packet_at[NR_PACKET_MEMBERS];

static u32 ring_number(const u8 *ring, enum packet_member member)
{
	return READ_ONCE(*(const u32 *)(ring + packet_at[member]));
}

/* Bytes; MEMDIAG_ABSENT if the numbers do not fit together. */
static u64 ring_bytes(const u8 *ring)
{
	const void *vector = READ_ONCE(*(void *const *)(ring + packet_at[RING_VECTOR]));
	u64 block = (u64)ring_number(ring, RING_BLOCK_PAGES) << PAGE_SHIFT;
	u64 blocks = ring_number(ring, RING_BLOCKS);
	u64 frames = ring_number(ring, RING_FRAMES_PER_BLOCK);
	u32 frame = ring_number(ring, RING_FRAME_SIZE);

	if (!vector && !blocks && !block)
		return 0;
	if (!vector || !blocks || !block || block > INT_MAX || !frame ||
	    frames != (u32)block / frame ||
	    frames * blocks != ring_number(ring, RING_FRAME_MAX) + 1ULL ||
	    ring_number(ring, RING_ORDER) != get_order(block))
		return MEMDIAG_ABSENT;
	return block * blocks;
}

/**
 * memdiag_packet_rings() - memory of the rings of a socket
 * @sk: the socket, held
 *
 * Blocks as the process asked for them; the page allocator may have rounded each up.
 *
 * Context: any; takes no lock.
 *
 * Return: bytes, 0 if it has none; MEMDIAG_ABSENT if it is not known where a
 * packet socket has them, or if they are just being changed.
 */
u64 memdiag_packet_rings(const struct sock *sk)
{
	u64 rx, tx;

	if (sk->sk_family != AF_PACKET)
		return 0;
	if (!packet_at[PACKET_SIZE] ||
	    READ_ONCE(sk->sk_prot)->obj_size != packet_at[PACKET_SIZE])
		return MEMDIAG_ABSENT;
	rx = ring_bytes((const u8 *)sk + packet_at[PACKET_RX_AT]);
	tx = ring_bytes((const u8 *)sk + packet_at[PACKET_TX_AT]);
	return rx == MEMDIAG_ABSENT || tx == MEMDIAG_ABSENT ? MEMDIAG_ABSENT : rx + tx;
}

/* Whether each member is of the kind that is read, and inside the socket. */
static bool __init packet_layout_fits(const struct memdiag_member *members)
{
	u32 end = 0, size = members[PACKET_SIZE].bit_size;
	unsigned int i;

	for (i = RING_VECTOR; i < NR_PACKET_MEMBERS; i++) {
		u32 width = i == RING_VECTOR ? BITS_PER_LONG : 32;

		if (members[i].bit_size != width || members[i].bit_offset % width)
			return false;
		end = max(end, members[i].bit_offset + width);
	}
	for (i = PACKET_RX_AT; i <= PACKET_TX_AT; i++)
		if (members[i].bit_offset % BITS_PER_LONG ||
		    members[i].bit_offset > size || size - members[i].bit_offset < end)
			return false;
	return true;
}

/**
 * memdiag_packet_ring_init() - find where packet sockets have their rings
 *
 * Context: module init. Leaves lines in the resolve section.
 */
void __init memdiag_packet_ring_init(void)
{
	struct memdiag_member members[NR_PACKET_MEMBERS] = {
		[PACKET_RX_AT] = { "packet_sock", "rx_ring" },
		[PACKET_TX_AT] = { "packet_sock", "tx_ring" },
		[PACKET_SIZE] = { "packet_sock", "" },
		[RING_VECTOR] = { "packet_ring_buffer", "pg_vec" },
		[RING_FRAMES_PER_BLOCK] = { "packet_ring_buffer", "frames_per_block" },
		[RING_FRAME_SIZE] = { "packet_ring_buffer", "frame_size" },
		[RING_FRAME_MAX] = { "packet_ring_buffer", "frame_max" },
		[RING_ORDER] = { "packet_ring_buffer", "pg_vec_order" },
		[RING_BLOCK_PAGES] = { "packet_ring_buffer", "pg_vec_pages" },
		[RING_BLOCKS] = { "packet_ring_buffer", "pg_vec_len" },
	};
	unsigned int i;

	/* A module's types are not in the kernel's BTF: then nothing is found. */
	if (memdiag_layout_load("struct packet_sock", MEMDIAG_SRC_BTF, members,
				NR_PACKET_MEMBERS, NR_PACKET_MEMBERS))
		return;
	if (!packet_layout_fits(members)) {
		memdiag_resolve_note(MEMDIAG_ITEM_CHECK, "struct packet_sock", MEMDIAG_SRC_BTF,
				     -EINVAL, "members are not of the kind they are known as");
		return;
	}
	for (i = 0; i < NR_PACKET_MEMBERS; i++)
		packet_at[i] = members[i].bit_offset / BITS_PER_BYTE;
	packet_at[PACKET_SIZE] = members[PACKET_SIZE].bit_size / BITS_PER_BYTE;
}
