/* See ctl_stage.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../src/ctl/internal.h"
#include "ctl_stage.h"

#include <poll.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static void *serve(void *of)
{
    struct stage *stage = of;
    while (!atomic_load(&stage->ends)) {
        struct pollfd fd = {.fd = ctl_server_fd(stage->server), .events = POLLIN};
        poll(&fd, 1, 5);
        ctl_server_turn(stage->server);
        if (ctl_server_interrupted(stage->server))
            atomic_fetch_add(&stage->interrupts, 1);
        if (atomic_load(&stage->applies) && fake_feed_apply(&stage->fake))
            fake_feed_publish(&stage->fake);
    }
    return NULL;
}

void stage_make_folders(struct stage *stage)
{
    text_copy(stage->top, sizeof stage->top, "/tmp/kdtui-ctl-XXXXXX");
    assert_non_null(mkdtemp(stage->top));
    snprintf(stage->sockets, sizeof stage->sockets, "%s/sockets", stage->top);
    snprintf(stage->run, sizeof stage->run, "%s/a run", stage->top);
    assert_int_equal(mkdir(stage->run, 0700), 0);
}

struct stage *stage_open(void)
{
    struct stage *stage = mem_alloc(sizeof *stage);
    struct err err;
    stage_make_folders(stage);
    fake_feed_init(&stage->fake);
    fake_feed_train(&stage->fake, 500);
    stage->fake.now.viewers = 2;
    fake_feed_publish(&stage->fake);
    assert_int_equal(
        ctl_server_open(stage->sockets, stage->run, &stage->fake.feed, &stage->server, &err), 0);
    stage->applies = true;
    pthread_create(&stage->thread, NULL, serve, stage);
    return stage;
}

void stage_remove_folders(const struct stage *stage)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", stage->top);
    assert_int_equal(system(command), 0);
}

void stage_close(struct stage *stage)
{
    atomic_store(&stage->ends, true);
    pthread_join(stage->thread, NULL);
    ctl_server_close(stage->server);
    fake_feed_fini(&stage->fake);
    stage_remove_folders(stage);
    mem_free(stage);
}

struct ctl_client *stage_connect(const struct stage *stage)
{
    struct ctl_client *client;
    struct err err;
    if (ctl_connect(stage->sockets, stage->run, &client, &err) != 1)
        fail_msg("%s", err.text);
    return client;
}

int stage_connect_raw(const struct stage *stage)
{
    struct sockaddr_un address;
    struct err err;
    char line[512];
    int folder = address_open_folder(stage->sockets, false, &err);
    address_make(folder, stage->run, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    close(folder);
    ssize_t got = recv(fd, line, sizeof line - 1, 0);
    assert_true(got > 0);
    line[got] = '\0';
    assert_non_null(strstr(line, "kdtui 1 /"));
    return fd;
}
