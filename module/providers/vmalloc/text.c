// SPDX-License-Identifier: GPL-2.0-only
/*
 * The text of /proc/vmallocinfo, taken apart: the way to the areas from v6.9 on,
 * where they are spread over nodes and printed as a whole.
 */
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "../../memdiag.h"
#include "../../resolve/resolve.h"
#include "vmalloc.h"

/* Largest text of the file to accept, bytes: some 300000 areas. */
#define VMALLOC_LIMIT	SZ_32M

const char * const memdiag_vmalloc_words[AREA_NR_WORDS] = {
	"ioremap", "sparse", "vmalloc", "vmap", "user", "dma-coherent", "vpages",
};

/* "0xSTART-0xEND": what was printed, zero if it is no number. */
static void vmalloc_parse_range(char *word, struct vmalloc_line *line)
{
	char *start = strsep(&word, "-");

	if (!word || kstrtoul(start, 16, &line->start) || kstrtoul(word, 16, &line->end)) {
		line->start = 0;
		line->end = 0;
	}
}

static u64 vmalloc_parse_flag(const char *word)
{
	unsigned int i;

	for (i = 0; i < AREA_NR_WORDS; i++)
		if (!strcmp(word, memdiag_vmalloc_words[i]))
			return BIT(i);
	return 0;
}

static bool vmalloc_is_node_count(const char *word)
{
	return word[0] == 'N' && isdigit(word[1]) && strchr(word, '=');
}

static char *vmalloc_next_word(char **text)
{
	char *word;

	do {
		word = strsep(text, " ");
	} while (word && !*word);
	return word;
}

static bool vmalloc_parse(char *text, struct vmalloc_line *line)
{
	char *word = vmalloc_next_word(&text);
	u64 flag;

	memset(line, 0, offsetof(struct vmalloc_line, caller));
	line->caller[0] = '\0';
	if (!word)
		return false;
	vmalloc_parse_range(word, line);
	word = vmalloc_next_word(&text);
	if (!word || kstrtoul(word, 10, &line->size))
		return false;
	for (word = vmalloc_next_word(&text); word; word = vmalloc_next_word(&text)) {
		flag = vmalloc_parse_flag(word);
		if (flag) {
			line->flags |= flag;
		} else if (!strncmp(word, "pages=", 6)) {
			if (kstrtoul(word + 6, 10, &line->nr_pages))
				return false;
		} else if (!strncmp(word, "phys=", 5)) {
			/* "0x" and more bits than a long where physical memory has */
			if (kstrtou64(word + 5, 16, &line->phys_addr))
				return false;
		} else if (!strcmp(word, "unpurged")) {
			line->flags |= AREA_UNPURGED;
		} else if (!strcmp(word, "vm_map_ram")) {
			line->flags |= AREA_VM_MAP_RAM;
		} else if (!vmalloc_is_node_count(word) && strcmp(word, "vm_area")) {
			/*
			 * The symbol, and maybe "[module]" behind it; where it has
			 * no name the kernel prints the raw address.
			 */
			if (!line->caller[0] && !strncmp(word, "0x", 2))
				word = "?";
			if (line->caller[0])
				strlcat(line->caller, " ", sizeof(line->caller));
			strlcat(line->caller, word, sizeof(line->caller));
		}
	}
	return true;
}

static struct file *text_file;

/**
 * memdiag_vmalloc_text_init() - open /proc/vmallocinfo, for as long as we are here
 *
 * Context: may sleep.
 *
 * Return: 0, or negative errno as open(2).
 */
int memdiag_vmalloc_text_init(void)
{
	struct file *file = memdiag_file_open(VMALLOC_PATH);

	if (IS_ERR(file))
		return PTR_ERR(file);
	text_file = file;
	return 0;
}

/** memdiag_vmalloc_text_exit() - undo memdiag_vmalloc_text_init(), if it was called */
void memdiag_vmalloc_text_exit(void)
{
	if (text_file)
		filp_close(text_file, NULL);
	text_file = NULL;
}

/**
 * memdiag_vmalloc_read_lines() - read /proc/vmallocinfo
 * @fn: called for each line, taken apart; ends the walk with a value other
 *	than 0
 * @arg: handed to @fn
 *
 * Context: may sleep.
 *
 * Return: what the last call of @fn returned; -EINVAL if a line was not
 * understood, -EINTR on a fatal signal, or as memdiag_file_read_opened().
 */
int memdiag_vmalloc_read_lines(int (*fn)(struct vmalloc_line *line, void *arg), void *arg)
{
	struct vmalloc_line *line;
	char *text, *rest, *one;
	unsigned int n = 0;
	ssize_t length;
	int ret = 0;

	line = memdiag_alloc(1, sizeof(*line));
	if (!line)
		return -ENOMEM;
	length = memdiag_file_read_opened(text_file, &text, VMALLOC_LIMIT);
	if (length < 0) {
		memdiag_free(line);
		return length;
	}
	rest = text;
	while (!ret && (one = strsep(&rest, "\n")) && *one) {
		ret = vmalloc_parse(one, line) ? fn(line, arg) : -EINVAL;
		if (++n % VMALLOC_BATCH == 0) {
			cond_resched();
			if (fatal_signal_pending(current))
				ret = -EINTR;
		}
	}
	memdiag_free(text);
	memdiag_free(line);
	return ret;
}
