// SPDX-License-Identifier: GPL-2.0-only
/*
 * Suite memdiag_inode: whose an address is, where the vector of a slab is and how
 * it goes on, what is kept of many caches and cgroups, and of many inodes.
 */
#include <linux/magic.h>
#include <linux/shmem_fs.h>
#include <linux/vmalloc.h>

#include "kunit.h"

#include "../../module/providers/memcg/table.c"
#include "../../module/providers/memcg/cache_memcg.c"
#include "../../module/providers/inode.c"

static void inode_vectors(struct kunit *test)
{
	static const struct {
		unsigned long data;
		unsigned long vector;
	} words[] = {
		{ 0, 0 },
		/* There was no memory for one. */
		{ 1, 0 },
		{ 0x12345601, 0x12345600 },
		{ 0x12345605, 0x12345600 },
		/* A page that is charged as a whole, and one of a file. */
		{ 0x12345602, 0 },
		{ 0x12345603, 0 },
		{ 0x12345600, 0 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		KUNIT_EXPECT_EQ_MSG(test, memdiag_slab_vector(words[i].data), words[i].vector,
				    "%#lx", words[i].data);
}

#if MEMDIAG_HAVE_OBJCG
static void inode_stride(struct kunit *test)
{
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned long at;

	KUNIT_ASSERT_NOT_NULL(test, page);
	at = (unsigned long)page_address(page);
	KUNIT_EXPECT_EQ(test, cache_memcg_stride(page, at + 184, 192), (size_t)192);
	KUNIT_EXPECT_EQ(test, cache_memcg_stride(page, at + 192, 192),
			(size_t)MEMDIAG_OBJCG_STRIDE);
	KUNIT_EXPECT_EQ(test, cache_memcg_stride(page, at + 4032, 192),
			(size_t)MEMDIAG_OBJCG_STRIDE);
	KUNIT_EXPECT_EQ(test, cache_memcg_stride(page, at - 8, 192),
			(size_t)MEMDIAG_OBJCG_STRIDE);
	__free_page(page);
}

static void inode_slots(struct kunit *test)
{
	struct cache_memcg_walk *walk = kunit_kzalloc(test, sizeof(*walk), GFP_KERNEL);
	unsigned int cache, memcg, from, nr = 0;

	KUNIT_ASSERT_NOT_NULL(test, walk);
	for (cache = 1; cache <= 20; cache++)
		for (memcg = 0; memcg < 30; memcg++)
			for (from = 0; from < 10; from++) {
				KUNIT_ASSERT_EQ(test, cache_memcg_room(walk, 1), 0);
				cache_memcg_get(walk, (void *)(cache * 64ul), memcg, from)->objs =
					++nr;
			}
	KUNIT_EXPECT_EQ(test, walk->nr_used, nr);
	KUNIT_EXPECT_LE(test, walk->nr_used, walk->nr_slots / 2);
	nr = 0;
	for (cache = 1; cache <= 20; cache++)
		for (memcg = 0; memcg < 30; memcg++)
			for (from = 0; from < 10; from++)
				KUNIT_EXPECT_EQ(test, ++nr,
						cache_memcg_get(walk, (void *)(cache * 64ul),
								memcg, from)->objs);
	KUNIT_EXPECT_EQ(test, walk->nr_used, nr);
	memdiag_free(walk->slots);
}

/* Nothing is believed but what leads to a cgroup that is held. */
static void inode_objcgs(struct kunit *test)
{
	struct obj_cgroup *objcg = kunit_kzalloc(test, sizeof(*objcg), GFP_KERNEL);
	struct memdiag_memcgs *memcgs = memdiag_memcgs_get();
	void *far = vmalloc(PAGE_SIZE);
	struct mem_cgroup *memcg;
	u32 from;

	if (IS_ERR(memcgs)) {
		vfree(far);
		kunit_skip(test, "no memory cgroups");
	}
	KUNIT_ASSERT_NOT_NULL(test, objcg);
	KUNIT_ASSERT_NOT_NULL(test, far);
	KUNIT_ASSERT_GE(test, memcgs->nr, 1U);
	memcg = container_of(memcgs->css[0], struct mem_cgroup, css);

	rcu_read_lock();
	KUNIT_EXPECT_EQ(test, MEMDIAG_MEMCG_NONE,
			memdiag_memcgs_of_objcg(memcgs, (unsigned long)objcg, &from));
	objcg->memcg = memcg;
	KUNIT_EXPECT_EQ(test, 0U, memdiag_memcgs_of_objcg(memcgs, (unsigned long)objcg, &from));
	KUNIT_EXPECT_EQ(test, MEMDIAG_MEMCG_NONE, from);
	objcg->memcg = memcg + 1;
	KUNIT_EXPECT_EQ(test, MEMDIAG_MEMCG_NONE,
			memdiag_memcgs_of_objcg(memcgs, (unsigned long)objcg, &from));
	/* Where no obj_cgroup can be, though there it would be one. */
	memset(far, 0, PAGE_SIZE);
	((struct obj_cgroup *)far)->memcg = memcg;
	KUNIT_EXPECT_EQ(test, MEMDIAG_MEMCG_NONE,
			memdiag_memcgs_of_objcg(memcgs, (unsigned long)far, &from));
	objcg->memcg = memcg;
	KUNIT_EXPECT_EQ(test, MEMDIAG_MEMCG_NONE,
			memdiag_memcgs_of_objcg(memcgs, (unsigned long)objcg + 4, &from));
	KUNIT_EXPECT_EQ(test, MEMDIAG_MEMCG_NONE, memdiag_memcgs_of_objcg(memcgs, 0, &from));
	KUNIT_EXPECT_EQ(test, MEMDIAG_MEMCG_NONE, memdiag_memcgs_of_objcg(memcgs, 4096, &from));
	KUNIT_EXPECT_EQ(test, MEMDIAG_MEMCG_NONE,
			memdiag_memcgs_of_objcg(memcgs, ~0ul & ~7ul, &from));
	rcu_read_unlock();
	memdiag_memcgs_put(memcgs);
	vfree(far);
}
#endif

/* The hundred with the most pages, whatever the order they come in. */
static void inode_first(struct kunit *test)
{
	struct inode_walk *walk = kunit_kzalloc(test, sizeof(*walk), GFP_KERNEL);
	unsigned int i;
	u64 pages;

	KUNIT_ASSERT_NOT_NULL(test, walk);
	KUNIT_EXPECT_FALSE(test, inode_wanted(walk, 0));
	KUNIT_EXPECT_TRUE(test, inode_wanted(walk, 1));
	for (i = 0; i < INODE_TOP; i++) {
		walk->found[walk->nr_found++].pages = 10 + (i * 37) % INODE_TOP;
		inode_find_least(walk);
	}
	KUNIT_EXPECT_EQ(test, walk->found[walk->least].pages, 10ull);
	KUNIT_EXPECT_FALSE(test, inode_wanted(walk, 10));
	KUNIT_EXPECT_TRUE(test, inode_wanted(walk, 11));
	sort(walk->found, walk->nr_found, sizeof(*walk->found), inode_more_pages, NULL);
	for (i = 0, pages = 10 + INODE_TOP; i < INODE_TOP; i++)
		KUNIT_EXPECT_EQ(test, walk->found[i].pages, --pages);
}

/* Pages of DAX are those of a device, not of the page cache. */
static void inode_dax(struct kunit *test)
{
	struct inode *inode = kunit_kzalloc(test, sizeof(*inode), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, inode);
	inode->i_data.nrpages = 5;
	KUNIT_EXPECT_EQ(test, inode_pages(inode), 5ULL);
	inode->i_flags = S_DAX;
	KUNIT_EXPECT_EQ(test, inode_pages(inode), IS_ENABLED(CONFIG_FS_DAX) ? 0ULL : 5ULL);
}

/*
 * tmpfs frees the extended attributes of every inode that it drops. It sets them up only in
 * an inode that it made itself; in any other one they are what the memory held before.
 */
static struct inode *inode_new(struct super_block *sb)
{
	struct inode *inode = new_inode(sb);

	if (inode && sb->s_magic == TMPFS_MAGIC)
		memset(SHMEM_I(inode), 0, offsetof(struct shmem_inode_info, vfs_inode));
	return inode;
}

/* An entry that was made for a handle has no name; it is called "/". */
static void inode_without_place(struct kunit *test)
{
	struct inode_walk *walk = kunit_kzalloc(test, sizeof(*walk), GFP_KERNEL);
	struct file *root = filp_open("/", O_RDONLY | O_DIRECTORY, 0);
	struct dentry *dentry;
	struct inode *inode;
	char *path;

	KUNIT_ASSERT_NOT_NULL(test, walk);
	KUNIT_ASSERT_FALSE(test, IS_ERR(root));
	walk->path = kunit_kzalloc(test, PATH_MAX, GFP_KERNEL);
	path = inode_path(walk, file_inode(root));
	KUNIT_EXPECT_STREQ(test, path ?: "-", "/");
	memdiag_free(path);
	inode = inode_new(file_inode(root)->i_sb);
	if (inode) {
		inode->i_mode = S_IFREG;
		dentry = d_obtain_alias(inode);
		KUNIT_EXPECT_FALSE(test, IS_ERR(dentry));
		path = inode_path(walk, inode);
		KUNIT_EXPECT_STREQ(test, path ?: "-", "-");
		memdiag_free(path);
		dput(dentry);
	}
	filp_close(root, NULL);
}

static struct super_block *inode_frozen_sb;
static unsigned int inode_frozen_held;

static int inode_frozen_collect(struct memdiag_sink *sink)
{
	struct inode_walk *walk = kvzalloc(sizeof(*walk), GFP_KERNEL);

	if (!walk)
		return -ENOMEM;
	walk->sink = sink;
	inode_walk_super(inode_frozen_sb, walk);
	inode_frozen_held = walk->nr_found;
	kvfree(walk);
	return 0;
}

/* No reference is taken in a file system that is frozen: to drop it may wait for good. */
static void inode_frozen(struct kunit *test)
{
	struct super_block *sb = kunit_kzalloc(test, sizeof(*sb), GFP_KERNEL);
	static struct file_system_type type = { .name = "kunitfs" };
	struct inode *inode = kunit_kzalloc(test, sizeof(*inode), GFP_KERNEL);
	const u32 id = MEMDIAG_SEC_INODE;
	const struct memdiag_section *s;
	struct memdiag_bytes *bytes;

	KUNIT_ASSERT_NOT_NULL(test, sb);
	KUNIT_ASSERT_NOT_NULL(test, inode);
	sb->s_type = &type;
	spin_lock_init(&sb->s_inode_list_lock);
	INIT_LIST_HEAD(&sb->s_inodes);
	inode_init_once(inode);
	inode->i_sb = sb;
	inode->i_data.nrpages = 1;
	/* It is not to be dropped for good in here. */
	atomic_set(&inode->i_count, 2);
	spin_lock_init(&inode->i_lock);
	list_add(&inode->i_sb_list, &sb->s_inodes);
	sb->s_writers.frozen = SB_FREEZE_COMPLETE;
	inode_frozen_sb = sb;
	inode_frozen_held = 0;

	KUNIT_ASSERT_EQ(test, memdiag_kunit_fake_begin(test), 0);
	memdiag_kunit_fakes[id].collect = inode_frozen_collect;
	bytes = memdiag_kunit_snapshot(test, BIT_ULL(id));
	s = memdiag_snapshot_section(bytes, id);
	KUNIT_EXPECT_EQ(test, inode_frozen_held, 0U);
	KUNIT_EXPECT_EQ(test, s->state, (u32)MEMDIAG_STATE_PARTIAL);
}

static struct kunit_case inode_cases[] = {
	KUNIT_CASE(inode_vectors),
#if MEMDIAG_HAVE_OBJCG
	KUNIT_CASE(inode_stride),
	KUNIT_CASE(inode_slots),
	KUNIT_CASE(inode_objcgs),
#endif
	KUNIT_CASE(inode_first),
	KUNIT_CASE(inode_dax),
	KUNIT_CASE(inode_without_place),
	KUNIT_CASE(inode_frozen),
	{}
};

static struct kunit_suite inode_suite = {
	.name = "memdiag_inode",
	.suite_init = memdiag_kunit_live,
	.test_cases = inode_cases,
};

kunit_test_suite(inode_suite);
