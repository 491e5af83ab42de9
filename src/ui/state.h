/*
 * What the view itself knows: how it is set, what is open, what was typed and
 * posted. No training state.
 */
#ifndef KDT_UI_STATE_H
#define KDT_UI_STATE_H

#include "charts.h"
#include "editor.h"
#include "gallery.h"
#include "scroll.h"

/* In the order of their keys, 1 and so on, then what has a command instead; screens.c has their
 * table. */
enum view_screen {
    SCREEN_CHARTS,
    SCREEN_LAYERS,
    SCREEN_CONFUSION,
    SCREEN_SETTINGS,
    SCREEN_JOURNAL,
    SCREEN_HELP,
    SCREEN_RANGE,
    SCREEN_TRIALS, /* of a search */
    SCREEN_MAP,
    SCREEN_COUNT
};

/* What is open over the screen. */
enum view_mode {
    MODE_MAIN,
    MODE_PROMPT,   /* a command or a value is typed */
    MODE_MENU,     /* how to leave */
    MODE_ROLLBACK, /* which state to return to */
    MODE_DIVERGED, /* what to do after a divergence */
    MODE_SEARCH,   /* a menu of a search */
    MODE_LEAVING,  /* nothing; keys do nothing any more */
};

/* The menus of a search. */
enum search_menu { SEARCH_MENU_LEAVE, SEARCH_MENU_STOP, SEARCH_MENU_TAKE };

struct state {
    struct settings chosen;           /* [view], as the person wants it */
    enum settings_glyphs glyphs;      /* what that comes to; never GLYPHS_AUTO */
    enum settings_glyphs glyphs_auto; /* what that is here */
    bool utf8;                        /* whether the terminal shows more than ASCII */
    bool attached, read_only;         /* as struct view_options has them */
    bool paints;                      /* and cells in the colours that they are painted in */
    bool log_y;
    struct charts charts;
    enum view_screen screen;
    enum view_screen before_help; /* that Esc and ? go back to */
    enum view_mode mode;
    struct scroll help;
    int layer; /* the one that is chosen on their screen */
    struct {
        bool images;                 /* these alone */
        bool counts;                 /* in the matrix, not shares of each class */
        struct scroll rows, columns; /* of the matrix */
        struct gallery_place gallery;
    } confusion;
    struct {
        enum view_screen before; /* that Esc goes back to */
        uint64_t id;             /* of the command that asked for a test; 0: answered */
        uint64_t number;         /* of the test that the cursor was moved in, */
        double rate;             /* to this rate */
    } range;
    struct {
        int chosen;            /* number of the trial; -1: the best, whichever that is */
        bool looks;            /* that one's screens are shown, not those of the search */
        int seen;              /* the trial that the feed shows; -1: none */
        int pair;              /* of the map's axes */
        struct scroll rows;    /* of the leaderboard */
        enum search_menu menu; /* MODE_SEARCH: which, */
        int subject;           /* and of which trial */
    } search;
    struct scroll settings;
    const struct setting *setting; /* that is chosen there; NULL: the learning rate */
    struct scroll journal;
    uint64_t journal_line;     /* seq of the one that is chosen; 0: the newest, whichever that is */
    bool journal_whole;        /* that one is shown alone */
    char rollback[64];         /* MODE_ROLLBACK: the command of the state that is chosen */
    uint64_t diverged_shown;   /* snapshot.returns + 1 of the divergence whose menu was shown */
    double diverged_clock;     /* when it opened by itself; 0: it was asked for */
    struct editor editor;      /* MODE_PROMPT */
    const struct setting *ask; /* MODE_PROMPT: its value is typed; NULL: a command is */

    /* The newest command posted from here, shown until the feed tells of it. */
    uint64_t posted_id;
    char posted[COMMAND_LINE];
    /* Whether the run is paused, as last seen or, until that is answered, asked for. */
    bool paused;
    uint64_t pause_id; /* 0: nothing unanswered */
    /* Factors of the learning rate: the one posted last, and those pressed since as one command
     * that waits for its answer; "": none. */
    uint64_t rate_id;
    double folded_factor;
    char folded[96];

    char message[256]; /* from the view itself; "": none */
    enum style message_style;
    double message_clock;
    uint64_t detaches; /* snapshot's when the view began */
    char notice[256];  /* stays to the end: "saving …" */

    double now; /* clock_seconds() as the screens take it */
};
/* A setting's value now: of the view's own, what was chosen; of the learning rate, that in force.
 */
void state_value(const struct state *state, const struct snapshot *snapshot,
                 const struct setting *row, char *out, size_t size);

#endif
