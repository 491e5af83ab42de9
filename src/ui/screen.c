/*
 * The terminal. Owns its file descriptor, its modes and what it shows; with
 * palette.c and keyboard.c the only door to curses.
 *
 * Curses writes into a file in memory, which never keeps it waiting; what a
 * frame has come to goes to the line from there.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "screen.h"
#include "keyboard.h"
#include "line.h"
#include "palette.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

/* Seconds that a terminal which takes nothing may keep the view when it leaves. */
#define LEAVE_SECONDS 0.3

struct screen {
    int fd;               /* of the terminal, both ways; does not block */
    struct termios modes; /* as they were found */
    struct termios raw;   /* as they are while it is shown */
    FILE *in, *out;       /* `out`: in memory */
    SCREEN *curses;
    struct line line;
    size_t frame_bytes;
    bool utf8, console, suspended;
    bool mouse; /* is reported */
    int width, height;
    struct {
        const char *begin, *end;  /* around a title; NULL: it has none */
        char save[32], undo[64];  /* the one that was there: kept, given back */
        char shown[SCREEN_TITLE]; /* "": none from here */
    } title;
    struct palette palette;
    struct cell *shown; /* [height][width]: what curses was told last */
    struct cell *given; /* [height][width]: of the grid that it was told that for */
    cchar_t *row;       /* [width] */
};

/* What view_emergency_restore writes: prepared while the process is sane. */
static struct {
    atomic_bool active;
    int fd;
    struct termios modes;
    char bytes[512];
    size_t length;
} emergency;

void view_emergency_restore(void)
{
    if (!atomic_exchange(&emergency.active, false))
        return;
    int saved = errno;
    tcsetattr(emergency.fd, TCSANOW, &emergency.modes);
    /* A stalled terminal must not keep a crashed process. */
    struct pollfd writable = {.fd = emergency.fd, .events = POLLOUT};
    if (poll(&writable, 1, 200) == 1) {
        ssize_t written = write(emergency.fd, emergency.bytes, emergency.length);
        (void)written;
    }
    errno = saved;
}

static int emergency_put(int byte)
{
    if (emergency.length < sizeof(emergency.bytes))
        emergency.bytes[emergency.length++] = (char)byte;
    return byte;
}

/* A string of the terminal's description; NULL: it has none of the name. */
static const char *described(const char *name)
{
    const char *string = tigetstr(name);
    return string != (const char *)-1 ? string : NULL;
}

/* Needs the terminal's description, so curses has begun. */
static void emergency_prepare(const struct screen *screen)
{
    static const char *const undo[] = {"sgr0", "op", "rmkx", "cnorm", "rmcup"};
    emergency.fd = screen->fd;
    emergency.modes = screen->modes;
    emergency.length = 0;
    if (described("kmous") != NULL)
        tputs("\033[?1006;1000l", 1, emergency_put);
    tputs(screen->title.undo, 1, emergency_put);
    for (size_t i = 0; i < sizeof(undo) / sizeof(*undo); i++)
        if (described(undo[i]) != NULL)
            tputs(described(undo[i]), 1, emergency_put);
    atomic_store(&emergency.active, true);
}

/* Curses takes over signals that are main's. */
static SCREEN *newterm_without_signals(const char *term, FILE *out, FILE *in)
{
    static const int taken[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
    enum { TAKEN = sizeof(taken) / sizeof(*taken) };
    struct sigaction saved[TAKEN];
    for (int i = 0; i < TAKEN; i++)
        sigaction(taken[i], NULL, &saved[i]);
    /* newterm does not change its name argument. */
    char *name = mem_text(term);
    SCREEN *curses = newterm(name, out, in);
    mem_free(name);
    for (int i = 0; i < TAKEN; i++)
        sigaction(taken[i], &saved[i], NULL);
    return curses;
}

/* The terminal's name, or the fallback where it is not known; NULL where it
 * cannot place its cursor. */
static const char *terminal_name(int fd, struct err *err)
{
    static const char fallback[] = "xterm-256color";
    const char *term = getenv("TERM");
    int known = 0;
    if (term == NULL || *term == '\0' || setupterm(term, fd, &known) != OK) {
        term = fallback;
        if (setupterm(term, fd, &known) != OK) {
            err_set(err, ERR_SYSTEM, "there is no description of this terminal (TERM) nor of %s",
                    fallback);
            return NULL;
        }
    }
    bool able = described("cup") != NULL;
    del_curterm(cur_term);
    if (!able) {
        err_set(err, ERR_SYSTEM, "TERM=%s: this terminal cannot place its cursor", term);
        return NULL;
    }
    return term;
}

/* A description of its own, so that no one else's reads and writes stop blocking with ours. */
static int open_terminal(struct err *err)
{
    const int flags = O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK;
    int fd = open("/dev/tty", flags);
    char name[256];
    if (fd < 0 && ttyname_r(STDOUT_FILENO, name, sizeof(name)) == 0)
        fd = open(name, flags);
    if (fd < 0)
        err_set(err, ERR_SYSTEM, "there is no terminal");
    return fd;
}

static bool same_modes(const struct termios *a, const struct termios *b)
{
    return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag && a->c_cflag == b->c_cflag &&
           a->c_lflag == b->c_lflag;
}

/* The terminal's modes are set here, since curses sees but a file. */
static void set_modes(struct screen *screen)
{
    struct termios raw_modes = screen->modes;
    cfmakeraw(&raw_modes); /* so that Ctrl-S cannot stop the view */
    tcsetattr(screen->fd, TCSANOW, &raw_modes);
    tcgetattr(screen->fd, &screen->raw);
    raw();
    noecho();
    nonl();
    typeahead(-1); /* a frame is always whole */
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    leaveok(stdscr, TRUE);
    curs_set(0);
}

/* A stream on a descriptor of its own, or NULL. */
static FILE *open_stream(int fd, const char *mode)
{
    FILE *file = fd >= 0 ? fdopen(fd, mode) : NULL;
    if (file == NULL && fd >= 0)
        close(fd);
    return file;
}

static int open_streams(struct screen *screen, struct err *err)
{
    screen->in = open_stream(fcntl(screen->fd, F_DUPFD_CLOEXEC, 3), "r");
    screen->out = open_stream(memfd_create("frame", MFD_CLOEXEC), "w");
    if (screen->in == NULL || screen->out == NULL)
        return err_set_errno(err, ERR_SYSTEM, errno, "cannot open the terminal");
    return 0;
}

/* Queues what curses has written. */
static void collect(struct screen *screen)
{
    char bytes[4096];
    int fd = fileno(screen->out);
    ssize_t got;
    for (off_t at = 0; (got = pread(fd, bytes, sizeof(bytes), at)) > 0; at += got)
        line_queue(&screen->line, bytes, (size_t)got);
    if (lseek(fd, 0, SEEK_SET) == 0 && ftruncate(fd, 0) != 0)
        abort(); /* it is memory */
}

static bool contains(const char *string, const char *part)
{
    return string != NULL && strstr(string, part) != NULL;
}

/* The description tells of a title, or that the terminal is like an xterm, which has one. Those
 * keep the old one on a stack; the strings that begin and end the full screen may do that already.
 */
static void find_title(struct screen *screen)
{
    const char *begin = described("tsl"), *end = described("fsl"), *drop = described("dsl");
    const char *env = getenv("TERM");
    bool known = env != NULL && strcmp(env, termname()) == 0;
    if (begin == NULL && tigetflag("XT") > 0) {
        begin = "\033]2;";
        end = "\007";
    }
    if (!known || !contains(begin, "\033]") || end == NULL)
        return;
    screen->title.begin = begin;
    screen->title.end = end;
    if (!contains(described("smcup"), "\033[22;"))
        text_copy(screen->title.save, sizeof(screen->title.save), "\033[22;2t");
    snprintf(screen->title.undo, sizeof(screen->title.undo), "%.32s%s", drop != NULL ? drop : "",
             contains(described("rmcup"), "\033[23;") ? "" : "\033[23;2t");
}

static void queue_text(struct screen *screen, const char *text)
{
    line_queue(&screen->line, text, strlen(text));
}

void screen_set_title(struct screen *screen, const char *title)
{
    char plain[SCREEN_TITLE];
    size_t length = 0;
    for (const char *at = title; *at != '\0' && length < sizeof(plain) - 1; at++)
        if ((unsigned char)*at >= ' ' && *at != 0x7f && (screen->utf8 || (*at & 0x80) == 0))
            plain[length++] = *at;
    plain[length] = '\0';
    if (screen->title.begin == NULL || screen->suspended || strcmp(plain, screen->title.shown) == 0)
        return;
    if (screen->title.shown[0] == '\0')
        queue_text(screen, screen->title.save);
    text_copy(screen->title.shown, sizeof(screen->title.shown), plain);
    queue_text(screen, screen->title.begin);
    queue_text(screen, plain);
    queue_text(screen, screen->title.end);
}

void screen_set_mouse(struct screen *screen, bool on)
{
    if (on == screen->mouse || screen->console) /* which would need another program, gpm */
        return;
    mousemask(on ? BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED : 0, NULL);
    mouseinterval(0); /* a press is a click */
    screen->mouse = on;
}

void view_restore_terminal(const struct termios *modes)
{
    struct screen screen = {.modes = *modes};
    struct termios now;
    struct err err;
    int known;
    screen.fd = open_terminal(&err);
    if (screen.fd < 0)
        return;
    if (screen_foreground(&screen) && tcgetattr(screen.fd, &now) == 0 && !same_modes(&now, modes)) {
        const char *term = terminal_name(screen.fd, &err);
        if (term != NULL && setupterm(term, screen.fd, &known) == OK) {
            find_title(&screen);
            emergency_prepare(&screen);
        }
        view_emergency_restore();
        tcsetattr(screen.fd, TCSANOW, modes);
    }
    close(screen.fd);
}

int screen_open(const struct settings *settings, struct screen **out, struct err *err)
{
    struct screen *screen = mem_alloc(sizeof(*screen));
    const char *term;
    screen->fd = open_terminal(err);
    if (screen->fd < 0)
        goto fail;
    if (tcgetattr(screen->fd, &screen->modes) != 0) {
        err_set_errno(err, ERR_SYSTEM, errno, "cannot read the terminal's modes");
        goto fail;
    }
    term = terminal_name(screen->fd, err);
    if (term == NULL || open_streams(screen, err) != 0)
        goto fail;
    screen->curses = newterm_without_signals(term, screen->out, screen->in);
    if (screen->curses == NULL) {
        err_set(err, ERR_SYSTEM, "TERM=%s: curses cannot use this terminal", term);
        goto fail;
    }
    line_init(&screen->line, screen->fd);
    find_title(screen);
    emergency_prepare(screen);
    set_escdelay(25);
    set_modes(screen);
    screen->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    screen->console = strcmp(term, "linux") == 0;
    palette_set_colors(&screen->palette, settings->view.colors);
    screen_set_mouse(screen, settings->view.mouse);
    screen_resize(screen);
    *out = screen;
    return 0;
fail:
    if (screen->in != NULL)
        fclose(screen->in);
    if (screen->out != NULL)
        fclose(screen->out);
    if (screen->fd >= 0)
        close(screen->fd);
    mem_free(screen);
    return -1;
}

void screen_close(struct screen *screen)
{
    screen_suspend(screen);
    delscreen(screen->curses);
    fclose(screen->in);
    fclose(screen->out);
    close(screen->fd);
    line_fini(&screen->line);
    mem_free(screen->shown);
    mem_free(screen->given);
    mem_free(screen->row);
    palette_fini(&screen->palette);
    mem_free(screen);
}

int screen_fd(const struct screen *screen)
{
    return screen->fd;
}

bool screen_utf8(const struct screen *screen)
{
    return screen->utf8;
}

enum settings_glyphs screen_glyphs(const struct screen *screen)
{
    if (!screen->utf8)
        return GLYPHS_ASCII;
    return screen->console ? GLYPHS_BLOCK : GLYPHS_BRAILLE; /* its fonts have no braille */
}

static size_t cells_size(const struct screen *screen)
{
    return (size_t)screen->width * (size_t)screen->height * sizeof(*screen->given);
}

void screen_set_colors(struct screen *screen, enum settings_colors colors)
{
    palette_set_colors(&screen->palette, colors);
    memset(screen->given, 0, cells_size(screen));
}

bool screen_paints(const struct screen *screen)
{
    return screen->palette.paints;
}

bool screen_resize(struct screen *screen)
{
    struct winsize size = {0};
    if (ioctl(screen->fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
        size = (struct winsize){.ws_row = 24, .ws_col = 80};
    if (size.ws_col == screen->width && size.ws_row == screen->height)
        return false;
    screen->width = size.ws_col;
    screen->height = size.ws_row;
    screen->row = mem_resize(screen->row, (size_t)screen->width * sizeof(*screen->row));
    mem_free(screen->shown);
    mem_free(screen->given);
    screen->shown = mem_alloc(cells_size(screen));
    screen->given = mem_alloc(cells_size(screen));
    resize_term(screen->height, screen->width);
    return true;
}

void screen_size(const struct screen *screen, int *width, int *height)
{
    *width = screen->width;
    *height = screen->height;
}

/* One row, where it is another. A blank between letters is as its neighbour where that changes, and
 * else stays as it was: a change of colour costs more bytes than the blank. */
static void put_row(struct screen *screen, const struct cell *cells, int y, int width)
{
    struct palette *palette = &screen->palette;
    struct cell *shown = screen->shown + (size_t)y * (size_t)screen->width;
    struct cell *given = screen->given + (size_t)y * (size_t)screen->width;
    bool changed = false; /* the cell before */
    int end = width;
    if (memcmp(cells, given, (size_t)width * sizeof(*cells)) == 0)
        return;
    memcpy(given, cells, (size_t)width * sizeof(*cells));
    while (end > 0 && palette_blank(palette, cells[end - 1]))
        end--;
    for (int x = 0; x < width; x++) {
        struct cell cell = cells[x];
        if (x < end && palette_blank(palette, cell)) {
            bool stays = palette_blank(palette, shown[x]) && !changed;
            cell.style = stays ? shown[x].style : x > 0 ? shown[x - 1].style : cell.style;
            if (!palette_blank(palette, cell))
                cell = cells[x]; /* that has a ground */
        }
        changed = cell.rune != shown[x].rune || cell.style != shown[x].style;
        shown[x] = cell;
        palette_put(palette, &cell, &screen->row[x]);
    }
    mvadd_wchnstr(y, 0, screen->row, width);
}

void screen_show(struct screen *screen, const struct grid *grid, bool repaint)
{
    if (screen->suspended)
        return;
    if (palette_fit(&screen->palette, grid))
        memset(screen->given, 0, cells_size(screen));
    int width = grid->width < screen->width ? grid->width : screen->width;
    for (int y = 0; y < grid->height && y < screen->height; y++)
        put_row(screen, grid->cells + (size_t)y * (size_t)grid->width, y, width);
    if (repaint)
        clearok(stdscr, TRUE);
    refresh();
    collect(screen);
    screen->frame_bytes = screen->line.length - screen->line.sent;
    line_write(&screen->line, clock_seconds());
}

size_t screen_frame_bytes(const struct screen *screen)
{
    return screen->frame_bytes;
}

bool screen_busy(struct screen *screen)
{
    return !line_write(&screen->line, clock_seconds());
}

double screen_free(const struct screen *screen)
{
    return screen->line.clock_free;
}

/* Input that is ready but empty is the end of the terminal. */
static bool hung_up(const struct screen *screen)
{
    struct pollfd fd = {.fd = screen->fd, .events = POLLIN};
    if (poll(&fd, 1, 0) <= 0)
        return false;
    int waiting = 0;
    return (fd.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0 ||
           ioctl(screen->fd, FIONREAD, &waiting) != 0 || waiting == 0;
}

int screen_key(struct screen *screen, char name[SCREEN_KEY])
{
    return hung_up(screen) ? -1 : keyboard_key(name);
}

void screen_abandon(struct screen *screen)
{
    screen->suspended = true;
    line_drop(&screen->line);
    atomic_store(&emergency.active, false);
}

void screen_suspend(struct screen *screen)
{
    struct termios now;
    if (screen->suspended)
        return;
    if (!line_finish(&screen->line, LEAVE_SECONDS))
        tcflush(screen->fd,
                TCOFLUSH); /* or whoever writes to it next waits for what nobody reads */
    if (screen->title.shown[0] != '\0')
        queue_text(screen, screen->title.undo);
    screen->title.shown[0] = '\0';
    endwin();
    collect(screen);
    line_finish(&screen->line, LEAVE_SECONDS);
    /* Whoever has changed them since has the terminal now: a shell whose job was killed, say. */
    if (tcgetattr(screen->fd, &now) == 0 && same_modes(&now, &screen->raw))
        tcsetattr(screen->fd, TCSANOW, &screen->modes);
    screen_abandon(screen);
}

bool screen_foreground(const struct screen *screen)
{
    pid_t owner = tcgetpgrp(screen->fd);
    return owner <= 0 || owner == getpgrp();
}

void screen_resume(struct screen *screen)
{
    screen->suspended = false;
    atomic_store(&emergency.active, true);
    set_modes(screen);
}
