// SPDX-License-Identifier: GPL-2.0-only
/*
 * memdiagctl top on a terminal, by curses.
 *
 * Signals are let in only while waiting for keys, so none is lost between a look
 * at the flag and the wait. Those that end the program do it after the terminal is
 * what it was before: by the signal itself, for whoever looks at the status.
 * Messages wait until then, too.
 */
#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <time.h>
#include <unistd.h>

/* Capabilities that term.h makes macros of, under names that others need. */
#undef columns
#undef lines

#include "top.h"

#define DELAY 2.0

static const int endings[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static volatile sig_atomic_t ended_by;
static SCREEN *screen;

static void note_signal(int signal)
{
	ended_by = signal;
}

/* Back to what the terminal was. Also on the way out of a failed allocation. */
static void screen_end(void)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
	message_release();
}

/* Says what to do if nothing can be drawn. Return: 0 or STATUS_CANNOT. */
static int check_terminal(void)
{
	const char *term = getenv("TERM");
	int error = 1;
	bool can;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return cannot(
			"cannot draw: standard %s is no terminal; 'memdiagctl top --once' prints one screen",
			isatty(STDOUT_FILENO) ? "input" : "output");
	if (!term || !*term)
		return cannot(
			"cannot draw: TERM is not set; set it (vt100 suits most serial lines), or use --once");
	if (setupterm(term, STDOUT_FILENO, &error) == ERR && error <= 0)
		return cannot(
			"cannot draw: there is no description of terminal '%s'; set TERM to another (vt100 suits most serial lines), or use --once",
			term);
	can = error == 1 && cur_term && cursor_address && clear_screen;
	if (cur_term)
		del_curterm(cur_term);
	if (!can)
		return cannot(
			"cannot draw: the cursor of terminal '%s' cannot be moved; set TERM to what it is (vt100 suits most serial lines), or use --once",
			term);
	return 0;
}

static int screen_start(void)
{
	static bool registered;

	if (!registered)
		atexit(screen_end);
	registered = true;
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return cannot("cannot draw: curses does not take terminal '%s'; use --once",
			      getenv("TERM"));
	message_hold();
	cbreak();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	return 0;
}

static void draw(struct top *top)
{
	int height = getmaxy(stdscr), width = getmaxx(stdscr);
	struct top_page page;

	erase();
	/* The column to sort by was there when it was chosen. */
	if (height < 1 || width < 1 || top_page_make(top, height, &page))
		return;
	top_page_split(&page);
	for (int n = 0; n < height && page.lines[n]; n++) {
		bool heading = !top->help && n == (int)page.heading;
		bool row = !top->help && n >= (int)page.heading;
		const char *start;
		size_t length = top_clip(page.lines[n], row ? top->shift : 0, width, &start);

		if (heading)
			attron(A_REVERSE);
		mvaddnstr(n, 0, start, (int)length);
		if (heading)
			attroff(A_REVERSE);
	}
	top_page_free(&page);
	refresh();
}

static int translate(int key)
{
	switch (key) {
	case KEY_UP:
		return TOP_UP;
	case KEY_DOWN:
		return TOP_DOWN;
	case KEY_PPAGE:
		return TOP_PAGE_UP;
	case KEY_NPAGE:
		return TOP_PAGE_DOWN;
	case KEY_LEFT:
		return TOP_LEFT;
	case KEY_RIGHT:
		return TOP_RIGHT;
	case KEY_HOME:
		return TOP_FIRST;
	case KEY_END:
		return TOP_LAST;
	case KEY_ENTER:
		return '\n';
	default:
		return key < 256 ? key : 0;
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Until @until, a key or a signal. Return: 0 or STATUS_CANNOT if the terminal went. */
static int wait_for_key(double until, const sigset_t *mask)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	double left = until - seconds();
	struct timespec t;

	if (left < 0)
		left = 0;
	t.tv_sec = (time_t)left;
	t.tv_nsec = (long)((left - (double)t.tv_sec) * 1e9);
	if (ppoll(&in, 1, &t, mask) < 0 && errno != EINTR)
		return cannot("cannot wait for keys: %s", strerror(errno));
	if (in.revents & (POLLERR | POLLHUP | POLLNVAL))
		return cannot("cannot go on: the terminal is gone");
	return 0;
}

/* All keys there are. Return: what has to be done, TOP_QUIT if one of them says so. */
static enum top_action take_keys(struct top *top)
{
	enum top_action most = TOP_NOTHING, action;
	int key;

	while ((key = getch()) != ERR) {
		action = key == KEY_RESIZE ? TOP_DRAW : top_press(top, translate(key));
		if (action == TOP_QUIT)
			return action;
		/* The next key may need what this one asked for. */
		if (action == TOP_SAMPLE)
			return action;
		if (action > most)
			most = action;
	}
	return most;
}

static int run(struct top *top, const sigset_t *mask)
{
	double delay = top->options->delay ? top->options->delay : DELAY;
	double next = seconds() + delay;
	enum top_action action;
	int ret;

	draw(top);
	for (;;) {
		action = take_keys(top);
		if (action == TOP_NOTHING) {
			ret = wait_for_key(next, mask);
			if (ret || ended_by)
				return ret;
			action = take_keys(top);
		}
		if (action == TOP_QUIT)
			return 0;
		if (action == TOP_SAMPLE || seconds() >= next) {
			ret = top_sample(top);
			if (ret)
				return ret;
			next = seconds() + delay;
			action = TOP_DRAW;
		}
		if (action == TOP_DRAW)
			draw(top);
	}
}

/* What is asked for must be there before the screen is taken. */
static int check_page(struct top *top)
{
	struct top_page page;
	int ret = top_sample(top);

	if (ret)
		return ret;
	ret = top_page_make(top, 1, &page);
	if (!ret)
		top_page_free(&page);
	return ret;
}

/**
 * top_live() - show it until somebody quits
 * @top: what to show first
 *
 * Return: an exit status; does not return if a signal ends it.
 */
int top_live(struct top *top)
{
	struct sigaction action = { .sa_handler = note_signal };
	sigset_t block, before;
	int ret;

	ret = check_terminal();
	if (!ret)
		ret = check_page(top);
	if (ret)
		return ret;
	sigemptyset(&block);
	sigaddset(&block, SIGWINCH);
	for (unsigned int n = 0; n < ARRAY_SIZE(endings); n++) {
		sigaddset(&block, endings[n]);
		sigaction(endings[n], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &block, &before);
	ret = screen_start();
	if (!ret)
		ret = run(top, &before);
	screen_end();
	if (ended_by) {
		signal(ended_by, SIG_DFL);
		raise(ended_by);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ret;
}
