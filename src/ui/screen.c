/*
 * The only door to curses. Owns the terminal's file descriptor, its modes and
 * what a style looks like.
 *
 * Curses writes into a file in memory, which never keeps it waiting; what a
 * frame has come to goes to the line from there.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "screen.h"
#include "color.h"
#include "line.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <limits.h>
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
#include <wchar.h>

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
    bool utf8, console, suspended, paints;
    bool mouse; /* is reported */
    int width, height;
    struct {
        const char *begin, *end;  /* around a title; NULL: it has none */
        char save[32], undo[64];  /* the one that was there: kept, given back */
        char shown[SCREEN_TITLE]; /* "": none from here */
    } title;
    struct {
        attr_t attributes;
        short pair;
        bool ground; /* it is seen on a blank, too */
    } look[STYLE_COUNT];
    struct cell *shown; /* [height][width]: what curses was told last */
    cchar_t *row;       /* [width] */

    /* Pairs of the 256 colours, for painted cells, made as they are needed. */
    struct {
        short *number; /* [256][256], by ink and ground; 0: not made. NULL: none was */
        int next, end;
    } pairs;
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

/* Numbers of curses' pairs: the styles', then those of painted cells. */
enum { PAIR_FIRST = STYLE_COUNT + 1, PAIR_LAST = 32767, PAIR_LEAST = 4096 };

/* What each style looks like; -1: the terminal's own colour. */
static const struct look {
    short full, full_ground; /* of 256 */
    short basic;             /* of 8 */
    attr_t colored, mono;    /* attributes besides, or instead */
} looks[STYLE_COUNT] = {
    [STYLE_PLAIN] = {-1, -1, -1, A_NORMAL, A_NORMAL},
    [STYLE_DIM] = {245, -1, -1, A_NORMAL, A_NORMAL},
    [STYLE_BOLD] = {-1, -1, -1, A_BOLD, A_BOLD},
    [STYLE_TITLE] = {-1, -1, -1, A_BOLD, A_BOLD},
    [STYLE_AXIS] = {242, -1, -1, A_NORMAL, A_DIM},
    [STYLE_TRAIN] = {32, -1, COLOR_CYAN, A_NORMAL, A_NORMAL},
    [STYLE_TRAIN_BAND] = {24, -1, COLOR_BLUE, A_NORMAL, A_DIM},
    [STYLE_AUGMENTED] = {110, -1, COLOR_CYAN, A_BOLD, A_NORMAL},
    [STYLE_VALIDATION] = {208, -1, COLOR_YELLOW, A_NORMAL, A_BOLD},
    [STYLE_GHOST] = {248, -1, -1, A_NORMAL, A_DIM},
    [STYLE_EARLIER] = {137, -1, -1, A_NORMAL, A_DIM},
    [STYLE_EDIT] = {170, -1, COLOR_MAGENTA, A_NORMAL, A_BOLD},
    [STYLE_GOOD] = {71, -1, COLOR_GREEN, A_BOLD, A_BOLD},
    [STYLE_WARN] = {178, -1, COLOR_YELLOW, A_BOLD, A_BOLD},
    [STYLE_BAD] = {196, -1, COLOR_RED, A_BOLD, A_BOLD | A_REVERSE},
    [STYLE_KEY] = {-1, -1, -1, A_BOLD, A_BOLD},
    [STYLE_BAR] = {252, 236, -1, A_NORMAL, A_REVERSE},
};

static void prepare_pairs(struct screen *screen, int colors)
{
    screen->paints = colors >= 256 && COLOR_PAIRS >= PAIR_LEAST;
    if (!screen->paints || screen->pairs.number != NULL)
        return;
    screen->pairs.number = mem_alloc(256 * 256 * sizeof *screen->pairs.number);
    screen->pairs.next = PAIR_FIRST;
    screen->pairs.end = COLOR_PAIRS < PAIR_LAST ? COLOR_PAIRS : PAIR_LAST;
}

void screen_set_colors(struct screen *screen, enum settings_colors colors)
{
    const char *no_color = getenv("NO_COLOR");
    bool mono =
        colors == COLORS_MONO || (colors == COLORS_AUTO && no_color != NULL && *no_color != '\0');
    int most = 0;
    if (!mono && has_colors() && start_color() == OK && use_default_colors() == OK)
        most = COLORS;
    if (colors == COLORS_16 && most > 16)
        most = 16;
    for (int i = 0; i < STYLE_COUNT; i++) {
        const struct look *look = &looks[i];
        bool full = most >= 256;
        short color = full ? look->full : look->basic;
        bool colored = most >= 8 && (full || color >= 0);
        screen->look[i].attributes = colored ? look->colored : look->mono;
        screen->look[i].pair = 0;
        if (most >= 8 && (color >= 0 || (full && look->full_ground >= 0))) {
            screen->look[i].pair = (short)(i + 1);
            init_pair((short)(i + 1), color, full ? look->full_ground : -1);
        }
        if (!full && look->full_ground >= 0)
            screen->look[i].attributes = look->mono;
        screen->look[i].ground = (full && look->full_ground >= 0) ||
                                 (screen->look[i].attributes & (A_REVERSE | A_UNDERLINE)) != 0;
    }
    prepare_pairs(screen, most);
}

/* Room for a new pair in each painted cell; where there is none, all pairs are forgotten. A
 * number that gets other colours is drawn anew by curses wherever it still is. */
static void make_pairs_fit(struct screen *screen, const struct grid *grid)
{
    int painted = 0;
    for (int i = 0; i < grid->width * grid->height; i++)
        painted += grid->cells[i].painted;
    if (!screen->paints || painted <= screen->pairs.end - screen->pairs.next)
        return;
    memset(screen->pairs.number, 0, 256 * 256 * sizeof *screen->pairs.number);
    screen->pairs.next = PAIR_FIRST;
}

/* 0: there are no more. */
static short pair_of(struct screen *screen, const struct cell *cell)
{
    const int ink = color_nearest(cell->ink), ground = color_nearest(cell->ground);
    short *number = &screen->pairs.number[256 * ink + ground];
    if (*number == 0 && screen->pairs.next < screen->pairs.end) {
        *number = (short)screen->pairs.next++;
        init_pair(*number, (short)ink, (short)ground);
    }
    return *number;
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
    screen_set_colors(screen, settings->view.colors);
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
    mem_free(screen->row);
    mem_free(screen->pairs.number);
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

bool screen_paints(const struct screen *screen)
{
    return screen->paints;
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
    screen->shown =
        mem_alloc((size_t)screen->width * (size_t)screen->height * sizeof(*screen->shown));
    resize_term(screen->height, screen->width);
    return true;
}

void screen_size(const struct screen *screen, int *width, int *height)
{
    *width = screen->width;
    *height = screen->height;
}

/* Whether nothing is seen of the cell but the terminal's own ground. */
static bool is_blank(const struct screen *screen, struct cell cell)
{
    return cell.rune == ' ' && !cell.painted && !screen->look[cell.style].ground;
}

static void put_cell(struct screen *screen, cchar_t *out, const struct cell *cell)
{
    wchar_t text[2] = {(wchar_t)cell->rune, L'\0'};
    attr_t attributes = screen->look[cell->style].attributes;
    short pair = cell->painted && screen->paints ? pair_of(screen, cell) : 0;
    if (pair != 0)
        attributes &= ~A_REVERSE;
    else
        pair = screen->look[cell->style].pair;
    setcchar(out, text, attributes, pair, NULL);
}

/* One row. A blank between letters is as its neighbour where that changes, and else stays as it
 * was: a change of colour costs more bytes than the blank. */
static void put_row(struct screen *screen, const struct cell *cells, int y, int width)
{
    struct cell *shown = screen->shown + (size_t)y * (size_t)screen->width;
    bool changed = false; /* the cell before */
    int end = width;
    while (end > 0 && is_blank(screen, cells[end - 1]))
        end--;
    for (int x = 0; x < width; x++) {
        struct cell cell = cells[x];
        if (x < end && is_blank(screen, cell)) {
            bool stays = is_blank(screen, shown[x]) && !changed;
            cell.style = stays ? shown[x].style : x > 0 ? shown[x - 1].style : cell.style;
            if (!is_blank(screen, cell))
                cell = cells[x]; /* that has a ground */
        }
        changed = cell.rune != shown[x].rune || cell.style != shown[x].style;
        shown[x] = cell;
        put_cell(screen, &screen->row[x], &cell);
    }
    mvadd_wchnstr(y, 0, screen->row, width);
}

void screen_show(struct screen *screen, const struct grid *grid, bool repaint)
{
    if (screen->suspended)
        return;
    make_pairs_fit(screen, grid);
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

/* A control sequence that this terminal's description does not know, up to its last byte: its
 * letters must not be taken for keys. */
static void skip_sequence(void)
{
    wint_t code;
    while (get_wch(&code) == OK && !(code >= 0x40 && code <= 0x7e))
        ;
}

static void name_control(wint_t code, char name[SCREEN_KEY])
{
    wint_t next;
    int got;
    switch (code) {
    case 0x1b:
        text_copy(name, SCREEN_KEY, "esc");
        got = get_wch(&next);
        if (got == OK && next == '[') {
            skip_sequence();
            name[0] = '\0';
        } else if (got == OK) {
            unget_wch((wchar_t)next);
        } else if (got == KEY_CODE_YES) {
            ungetch((int)next);
        }
        break;
    case '\r':
    case '\n':
        text_copy(name, SCREEN_KEY, "enter");
        break;
    case '\t':
        text_copy(name, SCREEN_KEY, "tab");
        break;
    case 0x7f:
    case '\b':
        text_copy(name, SCREEN_KEY, "backspace");
        break;
    case ' ':
        text_copy(name, SCREEN_KEY, "space");
        break;
    default:
        if (code > 0 && code < 27)
            snprintf(name, SCREEN_KEY, "ctrl-%c", (char)(code + 'a' - 1));
        break;
    }
}

static void name_mouse(char name[SCREEN_KEY])
{
    MEVENT event;
    if (getmouse(&event) != OK)
        return;
    if (event.bstate & BUTTON4_PRESSED)
        text_copy(name, SCREEN_KEY, "wheel-up");
    else if (event.bstate & BUTTON5_PRESSED)
        text_copy(name, SCREEN_KEY, "wheel-down");
    else if (event.bstate & BUTTON1_PRESSED)
        snprintf(name, SCREEN_KEY, "click %d %d", event.x % 10000, event.y % 10000);
}

static void name_function(wint_t code, char name[SCREEN_KEY])
{
    static const struct {
        wint_t code;
        const char *name;
    } names[] = {
        {KEY_UP, "up"},       {KEY_DOWN, "down"},     {KEY_LEFT, "left"},
        {KEY_RIGHT, "right"}, {KEY_PPAGE, "page-up"}, {KEY_NPAGE, "page-down"},
        {KEY_HOME, "home"},   {KEY_END, "end"},       {KEY_BACKSPACE, "backspace"},
        {KEY_DC, "delete"},   {KEY_ENTER, "enter"},
    };
    if (code == KEY_MOUSE)
        name_mouse(name);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (names[i].code == code)
            text_copy(name, SCREEN_KEY, names[i].name);
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
    if (hung_up(screen))
        return -1;
    for (;;) {
        wint_t code;
        int got = get_wch(&code);
        if (got == ERR)
            return 0;
        name[0] = '\0';
        if (got == KEY_CODE_YES) {
            name_function(code, name);
        } else if (code <= ' ' || code == 0x7f) {
            name_control(code, name);
        } else {
            char bytes[MB_LEN_MAX + 1] = "";
            mbstate_t shift = {0};
            size_t length = wcrtomb(bytes, (wchar_t)code, &shift);
            if (length < sizeof(bytes) && length < SCREEN_KEY && (code > 0x9f || code < 0x7f)) {
                bytes[length] = '\0';
                text_copy(name, SCREEN_KEY, bytes);
            }
        }
        if (name[0] != '\0')
            return 1;
    }
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
