/* A control socket over a made-up training, for tests of both of its sides. */
#ifndef KDT_TESTS_CTL_STAGE_H
#define KDT_TESTS_CTL_STAGE_H

#include "kdt/ctl.h"
#include "fake_feed.h"

#include <pthread.h>
#include <stdatomic.h>

/* A server with a thread that turns it and performs what is posted. */
struct stage {
    char top[64], sockets[4096], run[128];
    struct fake_feed fake;
    struct ctl_server *server;
    pthread_t thread;
    atomic_bool applies, ends;
    atomic_int interrupts; /* how often that was asked for */
};

struct stage *stage_open(void);
void stage_close(struct stage *stage);
void stage_make_folders(struct stage *stage); /* these alone */
void stage_remove_folders(const struct stage *stage);
struct ctl_client *stage_connect(const struct stage *stage);
/* A connection of its own, to send anything; the greeting is read. */
int stage_connect_raw(const struct stage *stage);

#endif
