/* A stand-in for a model server with an OpenAI-compatible API: fast enough never to be what is
 * measured. One thread, one epoll loop.
 *
 * usage: mock PORT CHUNKS
 *
 * POST answers a chat request, at once or (with "stream":true) as CHUNKS server-sent events, a
 * write each, turn by turn over the open streams as a batching engine sends them. The end of the
 * model's name sets the pace:
 *   ...-paced  a chunk every 10 ms
 *   ...-hold   one chunk and then nothing more; a plain request is never answered
 *   any other  as fast as it goes
 * Usage is sent last when stream_options asks for it. Every piece of text carries one mark, the
 * clock when it was written: ~NNNNNNNNNNNNNNNNNN~, 18 digits of CLOCK_MONOTONIC nanoseconds.
 * GET /stats counts what happened; any other GET lists the models. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { PEERS = 65536, ROOM = 65536, LONGEST = 4096, MARK = 18 };
#define NEVER INT64_MAX
#define NO_MARK "~000000000000000000~"

struct frame { char text[LONGEST]; int length, mark; }; /* mark: where its digits are, or 0 */
struct peer {
    char *in, out[LONGEST];  /* received and not yet answered; what the socket would not take */
    int filled, unsent;      /* how many bytes those are */
    int place;               /* 1 + index in open_fds, or 0 */
    int sent, usage, plain;  /* frames sent, usage wanted, not a stream */
    int64_t due, pause;
};

static struct peer *peers[PEERS];
static int open_fds[PEERS], open_count, chunks, loop;
static struct frame answer, first, middle, last, usage, done, models;
static long requests, completed, aborted;
static int64_t last_abort;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void find_mark(struct frame *f) {
    char *mark = strstr(f->text, NO_MARK);
    f->mark = mark ? (int)(mark - f->text) + 1 : 0;
}

static void whole(struct frame *f, const char *body) {
    f->length = snprintf(f->text, LONGEST, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                         "content-length: %zu\r\n\r\n%s", strlen(body), body);
    find_mark(f);
}

static void event(struct frame *f, const char *data, const char *end) {
    f->length = snprintf(f->text, LONGEST, "%zx\r\ndata: %s\n\n\r\n%s", strlen(data) + 8, data, end);
    find_mark(f);
}

#define SAME "\"id\":\"chatcmpl-mock0123456789abcdef\",\"created\":1760000000,\"model\":\"mock\","
#define COUNTS "\"usage\":{\"prompt_tokens\":64,\"completion_tokens\":200,\"total_tokens\":264}"
#define DELTA(role, reason) "{" SAME "\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0," \
    "\"delta\":{" role "\"content\":\"" NO_MARK " \"},\"finish_reason\":" reason "}]}"

static void write_frames(void) {
    char words[2048] = "", body[LONGEST - 256];
    for (int i = 0; i < 199; i++) strcat(words, i % 3 ? "word " : "token ");
    snprintf(body, sizeof body, "{" SAME "\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":"
             "{\"role\":\"assistant\",\"content\":\"%s" NO_MARK "\"},\"finish_reason\":\"stop\"}]," COUNTS "}", words);
    whole(&answer, body);
    whole(&models, "{\"object\":\"list\",\"data\":["
          "{\"id\":\"mock\",\"object\":\"model\",\"created\":1760000000,\"owned_by\":\"bench\"},"
          "{\"id\":\"mock-paced\",\"object\":\"model\",\"created\":1760000000,\"owned_by\":\"bench\"},"
          "{\"id\":\"mock-hold\",\"object\":\"model\",\"created\":1760000000,\"owned_by\":\"bench\"}]}");
    event(&first, DELTA("\"role\":\"assistant\",", "null"), "");
    event(&middle, DELTA("", "null"), "");
    event(&last, DELTA("", "\"stop\""), "");
    event(&usage, "{" SAME "\"object\":\"chat.completion.chunk\",\"choices\":[]," COUNTS "}", "");
    event(&done, "[DONE]", "0\r\n\r\n");
}

/* 0 when all of it went out or waits in the peer's buffer, -1 when the peer is gone. */
static int put(int fd, const char *data, int length) {
    int k = send(fd, data, length, MSG_NOSIGNAL);
    if (k < 0 && errno != EAGAIN) return -1;
    if (k < 0) k = 0; /* full */
    memmove(peers[fd]->out, data + k, peers[fd]->unsent = length - k);
    return 0;
}

static int put_frame(int fd, struct frame *f) {
    if (f->mark) {
        int64_t t = now();
        for (char *digit = f->text + f->mark + MARK; digit-- > f->text + f->mark; t /= 10) *digit = '0' + t % 10;
    }
    return put(fd, f->text, f->length);
}

static void opened(int fd, int64_t pause) {
    struct peer *p = peers[fd];
    p->sent = 0;
    p->pause = pause;
    p->due = p->plain ? NEVER : now();
    open_fds[open_count] = fd;
    p->place = ++open_count;
}

static void closed(int fd) {
    int moved = open_fds[--open_count], place = peers[fd]->place;
    open_fds[place - 1] = moved;
    peers[moved]->place = place;
    peers[fd]->place = 0;
}

static void drop(int fd) {
    if (peers[fd]->place) { aborted++; last_abort = now(); closed(fd); }
    close(fd);
}

/* Sends the next frame of a stream; 1 when that was the end of it, -1 when the peer is gone. */
static int advance(int fd) {
    struct peer *p = peers[fd];
    if (p->unsent) return put(fd, p->out, p->unsent);
    struct frame *f = &done;
    if (p->sent < chunks) f = p->sent == 0 ? &first : p->sent == chunks - 1 ? &last : &middle;
    else if (p->sent == chunks && p->usage) f = &usage;
    else if (p->sent > chunks + p->usage) { completed++; closed(fd); return 1; }
    p->sent++;
    int gone = put_frame(fd, f);
    if (p->pause == NEVER) p->due = NEVER;
    else if (p->pause && p->sent < chunks && (p->due += p->pause) < now()) p->due = now() + p->pause;
    if (!gone && f == &done && !p->unsent) { completed++; closed(fd); return 1; }
    return gone;
}

static int says(const char *body, const char *name, const char *value) {
    char tight[64], spaced[64];
    snprintf(tight, sizeof tight, "\"%s\":%s", name, value);
    snprintf(spaced, sizeof spaced, "\"%s\": %s", name, value);
    return strstr(body, tight) || strstr(body, spaced);
}

static int post(int fd, const char *body) {
    static const char head[] = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
                               "cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
    struct peer *p = peers[fd];
    int hold = strstr(body, "-hold\"") != NULL;
    p->plain = !says(body, "stream", "true");
    p->usage = says(body, "include_usage", "true");
    if (p->plain && !hold) return put_frame(fd, &answer);
    opened(fd, hold ? NEVER : strstr(body, "-paced\"") ? 10000000LL : 0);
    return p->plain ? 0 : put(fd, head, sizeof head - 1);
}

static int get(int fd, const char *line) {
    static struct frame stats;
    if (strncmp(line, "GET /stats", 10)) return put_frame(fd, &models);
    char body[256];
    snprintf(body, sizeof body, "{\"requests\":%ld,\"completed\":%ld,\"aborted\":%ld,\"open\":%d,\"last_abort_ns\":%lld}",
             requests, completed, aborted, open_count, (long long)last_abort);
    whole(&stats, body);
    return put_frame(fd, &stats);
}

/* Length of the request at the start of the buffer, 0 while it is not complete. */
static int complete(struct peer *p, char **body) {
    p->in[p->filled] = 0;
    char *end = strstr(p->in, "\r\n\r\n"), *field;
    if (!end) return 0;
    *body = end + 4;
    *end = 0;
    int length = (field = strcasestr(p->in, "\ncontent-length:")) ? atoi(field + 16) : 0;
    int chunked = !field && strcasestr(p->in, "\ntransfer-encoding: chunked");
    *end = '\r';
    if (chunked) return (end = strstr(*body, "0\r\n\r\n")) ? (int)(end + 5 - p->in) : 0;
    return (length += *body - p->in) <= p->filled ? length : 0;
}

/* Answers the requests that wait in the buffer, one after the other; -1 when the peer is gone. */
static int serve(int fd) {
    struct peer *p = peers[fd];
    char *body;
    for (int length; !p->place && (length = complete(p, &body)); requests++) {
        char next = p->in[length];
        p->in[length] = 0;
        int gone = p->in[0] == 'P' ? post(fd, body) : get(fd, p->in);
        p->in[length] = next;
        memmove(p->in, p->in + length, p->filled -= length);
        if (gone) return -1;
    }
    return 0;
}

static void welcome(int listener) {
    for (int fd, one = 1; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (!peers[fd]) { peers[fd] = calloc(1, sizeof **peers); peers[fd]->in = malloc(ROOM); }
        peers[fd]->filled = peers[fd]->unsent = 0;
        struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = fd};
        epoll_ctl(loop, EPOLL_CTL_ADD, fd, &e);
    }
}

static void receive(int fd, unsigned events) {
    struct peer *p = peers[fd];
    int left = events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP);
    int k = left ? 0 : recv(fd, p->in + p->filled, ROOM - 1 - p->filled, 0);
    if (k < 0 && errno == EAGAIN) return;
    if (k > 0) p->filled += k;
    if (k <= 0 || serve(fd)) drop(fd);
}

int main(int argc, char **argv) {
    int port = argc == 3 ? atoi(argv[1]) : 0, one = 1;
    if (!port || (chunks = atoi(argv[2])) < 2) { fprintf(stderr, "usage: mock PORT CHUNKS\n"); return 2; }
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (void *)&at, sizeof at) || listen(listener, 4096)) { perror("mock"); return 1; }
    write_frames();
    loop = epoll_create1(0);
    struct epoll_event events[512] = {{.events = EPOLLIN, .data.fd = listener}};
    epoll_ctl(loop, EPOLL_CTL_ADD, listener, events);
    for (;;) {
        int64_t due = NEVER, t = now();
        for (int i = 0; i < open_count; i++) if (peers[open_fds[i]]->due < due) due = peers[open_fds[i]]->due;
        int64_t wait = due <= t ? 0 : due - t;
        struct timespec limit = {wait / 1000000000, wait % 1000000000};
        int k = epoll_pwait2(loop, events, 512, due == NEVER ? NULL : &limit, NULL);
        for (int i = 0; i < k; i++)
            if (events[i].data.fd == listener) welcome(listener);
            else receive(events[i].data.fd, events[i].events);
        t = now();
        for (int i = 0; i < open_count; i++) {
            int fd = open_fds[i], ended = 0;
            if (peers[fd]->due <= t) ended = advance(fd);
            if (ended < 0 || (ended && serve(fd))) drop(fd);
            if (ended) i--; /* another has taken its place */
        }
    }
}
