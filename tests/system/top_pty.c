// SPDX-License-Identifier: GPL-2.0-only
/*
 * top_pty - memdiagctl top, driven through a pseudo terminal
 *
 * usage: top_pty [MEMDIAGCTL]
 *
 * What the program writes goes to a small vt100 of our own, which knows what is on
 * its screen and whether anything was written beyond the edge of it. Keys are
 * pressed, the window is made smaller and larger, and the program is ended in all
 * the ways there are; afterwards the terminal must be what it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "ktap.h"

#define MAX_ROWS 64
#define MAX_COLUMNS 256
/* Emulated machines are slow. */
#define PATIENCE_MS 30000

static const char *program = "memdiagctl";

/* --- a terminal ------------------------------------------------------------ */

static struct {
	int rows, columns;
	int row, column;
	/* The last column was written: the next character would wrap. */
	bool pending;
	char cell[MAX_ROWS][MAX_COLUMNS + 1];
	/* Of an escape sequence, and how far it got. */
	char sequence[64];
	unsigned int length;
	/* Cleared since the last resize: from then on what is too wide is the program's doing. */
	bool cleared;
	/* Nobody looks at it: other terminals, windows that change all the time. */
	bool off;
	unsigned int too_wide;
} vt;

static void vt_erase(int row, int from)
{
	for (int c = from; c < vt.columns; c++)
		vt.cell[row][c] = ' ';
	vt.cell[row][vt.columns] = '\0';
}

static void vt_resize(int rows, int columns)
{
	vt.rows = rows;
	vt.columns = columns;
	vt.row = vt.column = 0;
	vt.pending = false;
	vt.cleared = false;
	for (int r = 0; r < rows; r++)
		vt_erase(r, 0);
}

static void vt_wrong(const char *what)
{
	if (vt.cleared && !vt.too_wide++)
		ktap_note("%s in row %d, column %d of %dx%d: '%s'", what, vt.row, vt.column,
			  vt.columns, vt.rows, vt.cell[vt.row]);
}

static void vt_move(int row, int column)
{
	vt.pending = false;
	if (row < 0 || row >= vt.rows || column < 0 || column >= vt.columns) {
		vt_wrong("the cursor leaves the screen");
		row = row < 0 ? 0 : row >= vt.rows ? vt.rows - 1 : row;
		column = column < 0 ? 0 : column >= vt.columns ? vt.columns - 1 : column;
	}
	vt.row = row;
	vt.column = column;
}

static void vt_print(char c)
{
	if (vt.pending) {
		vt_wrong("a line is too long");
		return;
	}
	vt.cell[vt.row][vt.column] = c;
	if (vt.column + 1 < vt.columns)
		vt.column++;
	else
		vt.pending = true;
}

static void vt_control(char final)
{
	int a = 0, b = 0, n = sscanf(vt.sequence, "[%d;%d", &a, &b);

	if (n < 2)
		b = 1;
	if (n < 1)
		a = final == 'J' || final == 'K' ? 0 : 1;
	switch (final) {
	case 'H':
		vt_move(a - 1, b - 1);
		break;
	case 'A':
		vt_move(vt.row - a, vt.column);
		break;
	case 'B':
		vt_move(vt.row + a, vt.column);
		break;
	case 'C':
		vt_move(vt.row, vt.column + a);
		break;
	case 'D':
		vt_move(vt.row, vt.column - a);
		break;
	case 'J':
		if (!vt.row && !vt.column)
			vt.cleared = true;
		vt_erase(vt.row, vt.column);
		for (int r = vt.row + 1; r < vt.rows; r++)
			vt_erase(r, 0);
		break;
	case 'K':
		if (a == 1)
			memset(vt.cell[vt.row], ' ', vt.column + 1);
		else
			vt_erase(vt.row, vt.column);
		break;
	case 'm':
	case 'h':
	case 'l':
	case 'r':
		break;
	default:
		ktap_note("unknown sequence ESC %s", vt.sequence);
	}
}

static void vt_write(char c)
{
	if (vt.off)
		return;
	if (vt.length) {
		char first = vt.length > 1 ? vt.sequence[0] : c;

		if (vt.length < sizeof(vt.sequence) - 1) {
			vt.sequence[vt.length - 1] = c;
			vt.sequence[vt.length++] = '\0';
		}
		if (first == '[' && (vt.length == 2 || c < '@' || c > '~'))
			return;
		if ((first == '(' || first == ')') && vt.length == 2)
			return;
		vt.length = 0;
		if (first == '[')
			vt_control(c);
		else if (first == 'M')
			vt_move(vt.row - 1, vt.column);
		return;
	}
	switch (c) {
	case '\033':
		vt.length = 1;
		break;
	case '\r':
		vt_move(vt.row, 0);
		break;
	case '\n':
		/* On the last row it scrolls, which is for the end of the program. */
		if (vt.row + 1 < vt.rows)
			vt_move(vt.row + 1, vt.column);
		vt.pending = false;
		break;
	case '\b':
		vt_move(vt.row, vt.column ? vt.column - 1 : 0);
		break;
	case '\t':
		vt_move(vt.row, vt.column / 8 * 8 + 8 < vt.columns ? vt.column / 8 * 8 + 8
								    : vt.columns - 1);
		break;
	case '\0':
	case '\016':
	case '\017':
	case '\007':
		break;
	default:
		vt_print(c);
	}
}

/* --- the program ----------------------------------------------------------- */

static int master = -1, slave = -1;
static pid_t pid;
static struct termios before;
/* What came, as it came. */
static char output[1 << 16];
static size_t output_length;

static void set_size(int rows, int columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	if (ioctl(master, TIOCSWINSZ, &size))
		ktap_bail("TIOCSWINSZ: %s", strerror(errno));
	vt_resize(rows, columns);
}

static void start(const char *term, int rows, int columns, char *const *arguments)
{
	char *argv[16] = { (char *)program, "top" };
	unsigned int n = 2;

	while (*arguments)
		argv[n++] = *arguments++;
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0 || grantpt(master) || unlockpt(master))
		ktap_bail("no pseudo terminal: %s", strerror(errno));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || tcgetattr(slave, &before))
		ktap_bail("%s: %s", ptsname(master), strerror(errno));
	memset(&vt, 0, sizeof(vt));
	set_size(rows, columns);
	output_length = 0;
	pid = fork();
	if (!pid) {
		setsid();
		ioctl(slave, TIOCSCTTY, 0);
		dup2(slave, 0);
		dup2(slave, 1);
		dup2(slave, 2);
		setenv("TERM", term, 1);
		unsetenv("LINES");
		unsetenv("COLUMNS");
		execvp(program, argv);
		_exit(127);
	}
}

/* Takes what there is within so many ms. Return: whether there was something. */
static bool take(int ms)
{
	struct pollfd in = { .fd = master, .events = POLLIN };
	char buffer[4096];
	ssize_t n;

	if (poll(&in, 1, ms) <= 0)
		return false;
	n = read(master, buffer, sizeof(buffer));
	for (ssize_t i = 0; i < n; i++) {
		vt_write(buffer[i]);
		if (output_length < sizeof(output) - 1)
			output[output_length++] = buffer[i];
	}
	output[output_length] = '\0';
	return n > 0;
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The first row, from @row on, with that text; -1 if there is none. */
static int find(const char *text, int row)
{
	for (; row < vt.rows; row++)
		if (strstr(vt.cell[row], text))
			return row;
	return -1;
}

/* Waits for a text on the screen, and for what comes with it. */
static bool see(const char *text)
{
	long until = now_ms() + PATIENCE_MS;

	while (now_ms() < until) {
		bool more = take(100);

		if (!more && vt.cleared && find(text, 0) >= 0)
			return true;
	}
	ktap_note("no '%s' on the screen of %dx%d:", text, vt.columns, vt.rows);
	for (int r = 0; r < vt.rows; r++)
		ktap_note("|%s|", vt.cell[r]);
	return false;
}

static void press(const char *keys)
{
	if (write(master, keys, strlen(keys)) < 0)
		ktap_note("press: %s", strerror(errno));
}

/* Return: the status as of waitpid(), -1 if it did not end. */
static int ended(void)
{
	long until = now_ms() + PATIENCE_MS;
	int status = -1;

	while (now_ms() < until) {
		take(50);
		if (waitpid(pid, &status, WNOHANG) == pid) {
			while (take(50))
				;
			return status;
		}
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -1;
}

static bool restored(void)
{
	struct termios after;

	return !tcgetattr(slave, &after) && after.c_iflag == before.c_iflag &&
	       after.c_oflag == before.c_oflag && after.c_lflag == before.c_lflag &&
	       after.c_cflag == before.c_cflag && !memcmp(after.c_cc, before.c_cc, NCCS);
}

/* What cbreak() and noecho() change. Without it nothing below would say anything. */
static bool changed(void)
{
	struct termios now;

	return !tcgetattr(slave, &now) && !(now.c_lflag & (ICANON | ECHO));
}

static void finish(void)
{
	if (master >= 0)
		close(master);
	close(slave);
	master = slave = -1;
}

/* --- what is checked ------------------------------------------------------- */

/* Names below the heading, which are in the first column, do not descend. */
static bool names_ascend(void)
{
	int heading = find("name ", 5), rows = 0;

	for (int r = heading + 1; heading > 0 && r < vt.rows - 1 && vt.cell[r + 1][0] != ' '; r++) {
		int a = strcspn(vt.cell[r], " "), b = strcspn(vt.cell[r + 1], " ");
		int order = strncmp(vt.cell[r], vt.cell[r + 1], a < b ? a : b);

		if (order > 0 || (!order && a > b)) {
			ktap_note("'%s' stands before '%s'", vt.cell[r], vt.cell[r + 1]);
			return false;
		}
		rows++;
	}
	return rows > 0;
}

static void check_keys(void)
{
	/* Keys, what is to be seen then, and what that shows. */
	static const struct {
		const char *keys, *text, *what;
	} steps[] = {
		{ "r", "slab by name reversed,", "r turns the order round" },
		{ "u", "slab by share in use,", "u sorts by the share in use" },
		{ "g", "slab by change,", "g sorts by change" },
		{ "h", "any key goes back", "h tells the keys" },
		{ "x2", "ledger, rows 1-", "2 shows the ledger" },
		{ ">>", "ledger by pages,", "> sorts by another column" },
		{ "\t", "task by VmRSS,", "Tab shows the next view" },
		{ "0", "per_second", "counters have a rate" },
		{ "1o", "slab by num_objs, rows 1-", "1 goes back, and o sorts by objects" },
	};
	char *none[] = { "-d", "0.3", NULL };
	unsigned int i;

	start("vt100", 24, 80, none);
	ktap_ok(see("slab by bytes, rows 1-"), "top: the largest slab caches come first");
	ktap_ok(find("unaccounted", 0) == 1 && find("total", 0) == 1, "top: the ledger in short");
	ktap_ok(changed(), "top: the terminal is taken");
	ktap_ok(find("change", 5) == 5, "top: what changed has a column");
	press("n");
	ktap_ok(see("slab by name,") && names_ascend(), "top: n sorts by name");
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		press(steps[i].keys);
		ktap_ok(see(steps[i].text), "top: %s", steps[i].what);
	}
	press("\033OB");
	ktap_ok(see(find("-5 of 5", 0) >= 0 ? "rows 1-5" : "rows 2-"), "top: down goes down");
	set_size(12, 40);
	ktap_ok(see("slab by num_objs"), "top: a smaller window");
	/* The line above is longer than that, and must not go on in this one. */
	ktap_ok(strspn(vt.cell[4], " ") == 40 || !strncmp(vt.cell[4], "section ", 8), "top: long lines are cut: '%s'", vt.cell[4]);
	set_size(2, 3);
	ktap_ok(see("nam"), "top: hardly a window");
	set_size(1, 1);
	/* The corner of a screen cannot be written everywhere. */
	while (take(1000))
		;
	set_size(50, 200);
	ktap_ok(see("slab by num_objs") && see("reclaimable"), "top: a larger window");
	press("q");
	ktap_ok(ended() == 0, "top: q quits");
	ktap_ok(restored(), "top: the terminal is what it was");
	ktap_ok(!vt.too_wide, "top: nothing is wider than the window");
	finish();
}

/* Keys and windows in a hurry. */
static void check_storm(void)
{
	static const char keys[] = "abclvnopsurg<>h 1234567890\t";
	char *none[] = { "-d", "0.1", NULL };
	unsigned int state = 1;
	int status;

	start("vt100", 24, 80, none);
	see("slab by bytes");
	vt.off = true;
	for (int n = 0; n < 300; n++) {
		char key[2] = "";

		state = state * 1103515245 + 12345;
		key[0] = keys[(state >> 16) % (sizeof(keys) - 1)];
		press(key);
		if (n % 10 == 0)
			set_size(1 + (state >> 8) % 40, 1 + (state >> 12) % 120);
		take(1);
	}
	press("q");
	status = ended();
	ktap_ok(status == 0 && restored(), "top: keys and windows in a hurry: status %#x", status);
	finish();
}

static void check_signal(int number, const char *name)
{
	char *none[] = { NULL };
	int status;

	start("vt100", 24, 80, none);
	see("slab by bytes");
	if (number == SIGINT)
		press("\003");
	else
		kill(pid, number);
	status = ended();
	ktap_ok(status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == number && restored(),
		"top: %s ends it, the terminal is what it was: status %#x", name, status);
	finish();
}

static void check_hangup(void)
{
	char *none[] = { NULL };
	int status = -1;

	start("vt100", 24, 80, none);
	see("slab by bytes");
	close(master);
	master = -1;
	for (int n = 0; n < PATIENCE_MS / 50; n++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
		usleep(50000);
		status = -1;
	}
	if (status == -1) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	ktap_ok(status != -1, "top: it ends when the terminal goes: status %#x", status);
	finish();
}

/* It ends by itself and leaves no trace but text. */
static void check_refused(const char *term, char *const *arguments, int want, const char *text)
{
	int status;

	start(term, 24, 80, arguments);
	status = ended();
	/* What is partial on this kernel is said, and is as good here. */
	if (!want && status == 3 << 8 && strstr(output, " is partial: "))
		status = 0;
	ktap_ok(status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == want &&
			strstr(output, text) && !strchr(output, '\033') && restored(),
		"top: '%s' on terminal '%s': status %d, '%s'", arguments[0] ? arguments[0] : "",
		term, want, text);
	if (status == -1 || !strstr(output, text))
		ktap_note("status %#x: %s", status, output);
	finish();
}

/* Without curses it says so, and that is all there is to see. */
static bool has_curses(void)
{
	char *none[] = { NULL };
	bool has;

	start("vt100", 24, 80, none);
	vt.off = true;
	for (long until = now_ms() + PATIENCE_MS; now_ms() < until && !output_length;)
		take(100);
	press("q");
	ended();
	has = !strstr(output, "without curses");
	finish();
	return has;
}

/* Only that it begins and ends, as our terminal does not know their sequences. */
static void check_terminal(const char *term)
{
	char *none[] = { NULL };
	int status;

	start(term, 24, 80, none);
	vt.off = true;
	for (long until = now_ms() + PATIENCE_MS; now_ms() < until && !strstr(output, "slab");)
		take(100);
	press("nq");
	status = ended();
	ktap_ok(status == 0 && restored(), "top: terminal '%s'", term);
	finish();
}

int main(int argc, char **argv)
{
	char *none[] = { NULL }, *once[] = { "--once", NULL }, *zero[] = { "-d", "0", NULL };
	char *column[] = { "--sort", "bogus", NULL };

	if (argc > 1)
		program = argv[1];
	signal(SIGPIPE, SIG_IGN);
	ktap_start();
	check_refused("dumb", once, 0, "slab by bytes, rows 1-");
	check_refused("vt100", zero, 2, "bad --delay '0'");
	check_refused("dumb", none, 4, "--once");
	if (!has_curses()) {
		ktap_skip("this memdiagctl was built without curses", "top: on a terminal");
		return ktap_end();
	}
	check_refused("", none, 4, "--once");
	check_refused("no-such-terminal", none, 4, "--once");
	check_refused("vt100", column, 2, "no column 'bogus'");
	check_keys();
	check_storm();
	check_signal(SIGTERM, "SIGTERM");
	check_signal(SIGINT, "Ctrl-C");
	check_signal(SIGQUIT, "SIGQUIT");
	check_hangup();
	check_terminal("linux");
	check_terminal("xterm");
	return ktap_end();
}
