/* The control socket: server and client over a made-up training, what is refused, who is cut off.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../src/ctl/internal.h"
#include "ctl_stage.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static void test_speak(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    struct ctl_client *client = stage_connect(stage), *other = stage_connect(stage);
    struct text text = {0};
    struct err err;
    assert_int_equal(ctl_status(client, &text, &err), 0);
    assert_non_null(strstr(text.bytes, "\"step\":500,"));
    assert_non_null(strstr(text.bytes, "\"state\":\"running\""));
    assert_non_null(strstr(text.bytes, "\"viewers\":2"));
    text.length = 0;
    assert_int_equal(ctl_command(client, "set train.learning_rate 0.5", &text, &err), 1);
    assert_non_null(strstr(text.bytes, "applied at step 500: learning rate"));
    assert_int_equal(stage->fake.sources[0], SOURCE_SOCKET);
    text.length = 0;
    assert_int_equal(ctl_command(other, "set train.learning_rate -1", &text, &err), 0);
    assert_non_null(strstr(text.bytes, "refused: "));
    text.length = 0;
    assert_int_equal(ctl_command(other, "puase", &text, &err), 0);
    assert_non_null(strstr(text.bytes, "pause"));
    ctl_client_close(client);
    text.length = 0;
    assert_int_equal(ctl_status(other, &text, &err), 0);
    ctl_client_close(other);
    text_fini(&text);
    stage_close(stage);
}

static void expect_error(const struct stage *stage, const char *bytes, size_t length)
{
    char answer[512];
    int fd = stage_connect_raw(stage);
    assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), length);
    ssize_t got = recv(fd, answer, sizeof answer - 1, MSG_WAITALL);
    assert_true(got > 0);
    answer[got] = '\0';
    assert_int_equal(strncmp(answer, "error ", 6), 0);
    close(fd);
}

static void test_malformed(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    char long_line[3 * CTL_REQUEST_LINE];
    memset(long_line, 'x', sizeof long_line);
    expect_error(stage, long_line, CTL_REQUEST_LINE);
    memcpy(long_line, "do ", 3);
    long_line[CTL_REQUEST_LINE - 1] = '\n';
    expect_error(stage, long_line, CTL_REQUEST_LINE);
    expect_error(stage, "\n", 1);
    expect_error(stage, "do \n", 4);
    expect_error(stage, "statuses\n", 9);
    expect_error(stage, "do pa\0use\n", 10);
    expect_error(stage, "GET / HTTP/1.1\r\n", 16);
    /* Half a line, and away. */
    for (int i = 0; i < 100; i++) {
        int fd = stage_connect_raw(stage);
        assert_int_equal(send(fd, "do pau", 6, MSG_NOSIGNAL), 6);
        close(fd);
    }
    /* Byte by byte. */
    int fd = stage_connect_raw(stage);
    for (const char *at = "status\n"; *at; at++)
        assert_int_equal(send(fd, at, 1, MSG_NOSIGNAL), 1);
    char answer[64];
    assert_int_equal(recv(fd, answer, 7, MSG_WAITALL), 7);
    assert_memory_equal(answer, "status ", 7);
    close(fd);
    assert_int_equal(stage->fake.posted, 0);
    stage_close(stage);
}

/* Who asks and never reads is cut off; the others are answered all the while. */
static void test_never_reads(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    int fd = stage_connect_raw(stage);
    struct ctl_client *client = stage_connect(stage);
    struct text text = {0};
    struct err err;
    bool cut = false;
    for (int i = 0; i < 20000 && !cut; i++) {
        ssize_t sent = send(fd, "status\n", 7, MSG_NOSIGNAL | MSG_DONTWAIT);
        cut = sent < 0 && errno != EAGAIN;
        if (i % 500 == 0) {
            text.length = 0;
            assert_int_equal(ctl_status(client, &text, &err), 0);
        }
    }
    assert_true(cut);
    text_fini(&text);
    ctl_client_close(client);
    close(fd);
    stage_close(stage);
}

/* Reads lines until one has `text` in it. */
static void expect_line(int fd, const char *text)
{
    static char bytes[1 << 20];
    size_t length = 0;
    for (ssize_t got; (got = recv(fd, bytes + length, sizeof bytes - 1 - length, 0)) > 0;) {
        length += (size_t)got;
        bytes[length] = '\0';
        if (strstr(bytes, text))
            return;
    }
    fail_msg("the connection ended without: %s", text);
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* The server, too, keeps who is only to read from changing anything. */
static void test_read_only(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    const int fd = stage_connect_raw(stage);
    say(fd, "watch 1 read-only\ndo pause\n");
    expect_line(fd, "refused 0 this connection is only to read\n");
    say(fd, "watch 1\ndo pause\n"); /* nor by watching anew */
    expect_line(fd, "refused 0 this connection is only to read\n");
    say(fd, "interrupt\n");
    expect_line(fd, "error this connection is only to read\n");
    assert_int_equal(atomic_load(&stage->interrupts), 0);
    assert_int_equal(stage->fake.posted, 0);
    close(fd);
    stage_close(stage);
}

/* Who sends no more is answered all the same. */
static void test_half_closed(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    char byte;
    atomic_store(&stage->applies, false);
    const int fd = stage_connect_raw(stage);
    say(fd, "do note half\n");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    expect_line(fd, "requested ");
    atomic_store(&stage->applies, true);
    expect_line(fd, "applied ");
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
    stage_close(stage);
}

/* The 65th is told why it is turned away, and comes in once another has left. */
static void test_too_many(void **state)
{
    (void)state;
    enum { MOST = 64 };
    struct stage *stage = stage_open();
    struct ctl_client *client;
    struct err err;
    int fds[MOST];
    for (int i = 0; i < MOST; i++)
        fds[i] = stage_connect_raw(stage);
    assert_int_equal(ctl_connect(stage->sockets, stage->run, &client, &err), -1);
    assert_non_null(strstr(err.text, "64 clients are connected already"));
    for (int i = 0; i < MOST; i++)
        close(fds[i]);
    while (ctl_connect(stage->sockets, stage->run, &client, &err) != 1)
        ;
    ctl_client_close(client);
    stage_close(stage);
}

/* Who comes when the process has no descriptor left waits until it has; meanwhile the server sleeps
 * as before, though its listener is ready all the time. */
static void test_no_descriptors(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    const int first = stage_connect_raw(stage);
    struct sockaddr_un address;
    struct rlimit before, few;
    struct timespec begin, end;
    clockid_t clock;
    struct err err;
    int folder = address_open_folder(stage->sockets, false, &err);
    address_make(folder, stage->run, &address);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = (rlim_t)fd + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(pthread_getcpuclockid(stage->thread, &clock), 0);
    clock_gettime(clock, &begin);
    assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 300), 0);
    clock_gettime(clock, &end);
    assert_true((double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec) <
                0.15);
    say(first, "status\n"); /* who is there is served */
    expect_line(first, "status {");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    expect_line(fd, "kdtui 1 /");
    close(folder);
    close(first);
    close(fd);
    stage_close(stage);
}

/* The commands of one client are limited; those of many come through. */
static void test_many(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    atomic_store(&stage->applies, false);
    int fd = stage_connect_raw(stage);
    char answer[4096] = "";
    for (int i = 0; i < 17; i++)
        assert_int_equal(send(fd, "do note a\n", 10, MSG_NOSIGNAL), 10);
    for (size_t length = 0; !strstr(answer, "16 commands wait");) {
        ssize_t got = recv(fd, answer + length, sizeof answer - 1 - length, 0);
        assert_true(got > 0);
        length += (size_t)got;
    }
    assert_non_null(strstr(answer, "requested 16\nrefused 0 16 commands wait"));
    close(fd);
    atomic_store(&stage->applies, true);
    for (int i = 0; i < 200; i++)
        ctl_client_close(stage_connect(stage));
    stage_close(stage);
}

static void expect_no_server(struct stage *stage, const char *why)
{
    struct ctl_server *server;
    struct err err;
    assert_int_equal(ctl_server_open(stage->sockets, stage->run, &stage->fake.feed, &server, &err),
                     -1);
    if (!strstr(err.text, why))
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

static void test_folder(void **state)
{
    (void)state;
    struct stage *stage = mem_alloc(sizeof *stage);
    struct ctl_server *server;
    struct ctl_client *client;
    struct err err;
    char elsewhere[128];
    stage_make_folders(stage);
    fake_feed_init(&stage->fake);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", stage->top);
    /* Nobody there, and nothing is made by asking. */
    assert_int_equal(ctl_connect(stage->sockets, stage->run, &client, &err), 0);
    assert_int_equal(access(stage->sockets, F_OK), -1);
    /* A symbolic link, a file, a mode that lets others in. */
    assert_int_equal(mkdir(elsewhere, 0700), 0);
    assert_int_equal(symlink(elsewhere, stage->sockets), 0);
    expect_no_server(stage, "no symbolic link");
    assert_int_equal(ctl_connect(stage->sockets, stage->run, &client, &err), -1);
    unlink(stage->sockets);
    close(open(stage->sockets, O_CREAT | O_WRONLY, 0600));
    expect_no_server(stage, "a folder is expected");
    unlink(stage->sockets);
    assert_int_equal(mkdir(stage->sockets, 0700), 0);
    assert_int_equal(chmod(stage->sockets, 0750), 0);
    expect_no_server(stage, "mode 0700 is expected");
    assert_int_equal(ctl_connect(stage->sockets, stage->run, &client, &err), -1);
    assert_int_equal(chmod(stage->sockets, 0700), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(stage->sockets, 65534, 65534), 0);
        expect_no_server(stage, "another user");
        assert_int_equal(chown(stage->sockets, 0, 0), 0);
    }
    /* A path far longer than an address holds. */
    size_t length = strlen(stage->sockets);
    for (int i = 0; i < 20; i++)
        length += (size_t)snprintf(stage->sockets + length, sizeof stage->sockets - length,
                                   "/a-folder-with-a-name");
    assert_int_equal(ctl_server_open(stage->sockets, stage->run, &stage->fake.feed, &server, &err),
                     0);
    /* Somebody answers already. */
    expect_no_server(stage, "another process answers");
    ctl_server_close(server);
    assert_int_equal(ctl_connect(stage->sockets, stage->run, &client, &err), 0);
    fake_feed_fini(&stage->fake);
    stage_remove_folders(stage);
    mem_free(stage);
}

/* What a killed process has left is replaced. */
static void test_stale(void **state)
{
    (void)state;
    struct stage *stage = mem_alloc(sizeof *stage);
    struct ctl_server *server;
    struct ctl_client *client;
    struct err err;
    stage_make_folders(stage);
    fake_feed_init(&stage->fake);
    pid_t child = fork();
    if (child == 0)
        _exit(ctl_server_open(stage->sockets, stage->run, &stage->fake.feed, &server, &err) ? 1
                                                                                            : 0);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(ctl_connect(stage->sockets, stage->run, &client, &err), 0);
    assert_int_equal(ctl_server_open(stage->sockets, stage->run, &stage->fake.feed, &server, &err),
                     0);
    ctl_server_close(server);
    fake_feed_fini(&stage->fake);
    stage_remove_folders(stage);
    mem_free(stage);
}

/* Another user is turned away at once; only root can be another one here. */
static void test_other_user(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    struct stage *stage = stage_open();
    struct sockaddr_un address;
    struct err err;
    int folder = address_open_folder(stage->sockets, false, &err);
    address_make(folder, stage->run, &address);
    /* Even where the folder lets it in. */
    assert_int_equal(chmod(stage->top, 0755), 0);
    assert_int_equal(fchmod(folder, 0777), 0);
    char socket_path[sizeof stage->sockets + sizeof address.sun_path];
    snprintf(socket_path, sizeof socket_path, "%s%s", stage->sockets,
             strrchr(address.sun_path, '/'));
    assert_int_equal(chmod(socket_path, 0777), 0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (setuid(65534) != 0 ||
            connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
            _exit(2);
        _exit(recv(fd, &byte, 1, 0) == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(folder);
    stage_close(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_speak),          cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_never_reads),    cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_half_closed),    cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_many),           cmocka_unit_test(test_folder),
        cmocka_unit_test(test_stale),          cmocka_unit_test(test_other_user),
        cmocka_unit_test(test_no_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
