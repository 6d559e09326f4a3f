/* HTTP/1.1 load: one thread, one epoll loop, every connection kept alive and used again.
 *
 * usage: load PORT REQUEST CONNECTIONS SECONDS MARKS
 *        load PORT REQUEST CONNECTIONS hold
 *
 * REQUEST is a file with the request as it goes over the wire. Each connection sends it, reads the
 * answer to its end and sends it again; after SECONDS nothing new is begun, and what runs is read
 * to its end. A good answer has status 200 and MARKS marks (see mock.c) in the order they were
 * written; with more than one mark it is a stream and must end with [DONE].
 * `hold` sends once on every connection, waits for the first mark of each (at most 60 s), prints
 * how many came and keeps everything open until standard input is closed.
 * Prints one line of JSON; times are microseconds. `delay` is from the mock's write to our read. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { HEAD = 8192, TAIL = 32, MARK = 18, PATIENCE = 30 };
enum reading { NOTHING, IN_HEAD, IN_BODY, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER };
struct samples { float *values; long count, room; };
struct connection {
    int fd, head_used, status, ends_with_close, close_after;
    enum reading reading;
    long left;                            /* bytes of the body, or of this chunk, still to come */
    int line;                             /* bytes on this line of a trailer */
    int in_mark, digits, marks, disorder;
    int64_t stamp, newest, begun, first;
    char tail[TAIL];                      /* the last bytes of the body */
    char head[HEAD];                      /* last: all before it is cleared for every request */
};

static struct connection *connections;
static struct samples whole, firsts, delays;
static long good, refused, incomplete, unfinished, disordered, cut;
static int port, total, expected, loop, busy, held;
static char *request;
static long request_length;
static int64_t begun, until, last_end;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void add(struct samples *s, int64_t nanoseconds) {
    if (s->count == s->room) {
        s->room = s->room ? 2 * s->room : 65536;
        s->values = realloc(s->values, s->room * sizeof *s->values);
    }
    s->values[s->count++] = nanoseconds / 1e3;
}

static int smaller(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double part(struct samples *s, double share) {
    return s->count ? s->values[(long)(share * (s->count - 1))] : 0;
}

static void dial(struct connection *c) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    if (c->fd > 0) close(c->fd);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (void *)&to, sizeof to)) { perror("connect"); exit(1); }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = c - connections};
    epoll_ctl(loop, EPOLL_CTL_ADD, c->fd, &e);
    c->reading = NOTHING;
}

static void begin(struct connection *c) {
    int fd = c->fd;
    memset(c, 0, offsetof(struct connection, head));
    c->fd = fd;
    c->reading = IN_HEAD;
    c->begun = now();
    busy++;
    if (send(fd, request, request_length, MSG_NOSIGNAL) == request_length) return;
    cut++;
    busy--;
    dial(c);
}

static void end(struct connection *c, int was_cut) {
    int64_t t = last_end = now();
    int was_done = memmem(c->tail, TAIL, "[DONE]", 6) != NULL;
    busy--;
    c->reading = NOTHING;
    if (was_cut) cut++;
    else if (c->status != 200) refused++;
    else if (c->marks != expected) incomplete++;
    else if (c->disorder) disordered++;
    else if (expected > 1 && !was_done) unfinished++;
    else { good++; add(&whole, t - c->begun); add(&firsts, c->first - c->begun); }
    if (was_cut || c->close_after) dial(c);
    if (t < until) begin(c);
}

/* The body as it comes, in pieces of any size: its marks and its last bytes. */
static void look(struct connection *c, const char *text, long length, int64_t t) {
    long kept = length < TAIL ? TAIL - length : 0;
    memmove(c->tail, c->tail + TAIL - kept, kept);
    memcpy(c->tail + kept, text + length - (TAIL - kept), TAIL - kept);
    for (const char *stop = text + length; text < stop; text++) {
        if (!c->in_mark) {
            if (!(text = memchr(text, '~', stop - text))) return;
        } else if (*text >= '0' && *text <= '9' && c->digits < MARK) {
            c->stamp = 10 * c->stamp + *text - '0';
            c->digits++;
            continue;
        } else if (*text == '~' && c->digits == MARK) {
            if (!c->marks++) { c->first = t; held++; }
            c->disorder |= c->stamp < c->newest;
            c->newest = c->stamp;
            add(&delays, t - c->stamp);
            c->in_mark = 0;
            continue;
        }
        c->in_mark = *text == '~';
        c->digits = c->stamp = 0;
    }
}

/* Takes bytes into the head; how many were used, or -1 when it does not fit. */
static long take_head(struct connection *c, const char *data, long length) {
    long before = c->head_used, fits = HEAD - 1 - before < length ? HEAD - 1 - before : length;
    memcpy(c->head + before, data, fits);
    c->head[c->head_used += fits] = 0;
    char *stop = strstr(c->head, "\r\n\r\n"), *field;
    if (!stop) return fits < length ? -1 : fits;
    stop[2] = 0;
    c->status = atoi(c->head + 9);
    c->close_after = strcasestr(c->head, "\nconnection: close") != NULL;
    if (strcasestr(c->head, "\ntransfer-encoding: chunked")) c->reading = CHUNK_SIZE;
    else c->reading = IN_BODY;
    if ((field = strcasestr(c->head, "\ncontent-length:"))) c->left = atol(field + 16);
    else c->ends_with_close = c->reading == IN_BODY;
    return stop + 4 - c->head - before;
}

/* One byte of the framing of chunks: a size, the end of a line, a trailer. */
static void take_framing(struct connection *c, char byte) {
    if (c->reading == CHUNK_SIZE) {
        int lower = byte | 32;
        if (byte >= '0' && byte <= '9') c->left = 16 * c->left + byte - '0';
        else if (lower >= 'a' && lower <= 'f') c->left = 16 * c->left + lower - 'a' + 10;
        else if (byte == '\n') c->reading = c->left ? CHUNK_DATA : TRAILER;
    } else if (c->reading == CHUNK_END) {
        if (byte == '\n') c->reading = CHUNK_SIZE;
    } else if (byte == '\n') {
        if (c->line) c->line = 0;
        else end(c, 0);
    } else if (byte != '\r') c->line++;
}

static void feed(struct connection *c, const char *data, long length, int64_t t) {
    while (length > 0 && c->reading != NOTHING) {
        long used = 1;
        if (c->reading == IN_HEAD) {
            if ((used = take_head(c, data, length)) < 0) { end(c, 1); return; }
        } else if (c->reading == IN_BODY || c->reading == CHUNK_DATA) {
            used = c->ends_with_close || length < c->left ? length : c->left;
            look(c, data, used, t);
            c->left -= used;
            if (c->reading == CHUNK_DATA && !c->left) c->reading = CHUNK_END;
        } else take_framing(c, *data);
        data += used;
        length -= used;
        if (c->reading == IN_BODY && !c->left && !c->ends_with_close) { end(c, 0); return; }
    }
}

static void readable(struct connection *c) {
    static char data[1 << 16];
    long k = recv(c->fd, data, sizeof data, 0);
    if (k > 0) feed(c, data, k, now());
    else if (k < 0 && errno == EAGAIN) return;
    else if (c->reading == NOTHING) dial(c);
    else if (c->ends_with_close && c->reading == IN_BODY) { c->close_after = 1; end(c, 0); }
    else end(c, 1);
}

static void load_request(const char *name) {
    FILE *file = fopen(name, "rb");
    if (!file) { perror(name); exit(1); }
    request = malloc(1 << 20);
    request_length = fread(request, 1, 1 << 20, file);
    fclose(file);
}

static void print_result(void) {
    struct samples *all[] = {&whole, &firsts, &delays};
    const char *names[] = {"whole", "first", "delay"};
    double seconds = (last_end - begun) / 1e9;
    printf("{\"good\":%ld,\"refused\":%ld,\"incomplete\":%ld,\"unfinished\":%ld,\"disordered\":%ld,\"cut\":%ld,\"late\":%d,"
           "\"marks\":%ld,\"seconds\":%.6f", good, refused, incomplete, unfinished, disordered, cut, busy, delays.count, seconds);
    for (int i = 0; i < 3; i++) {
        if (all[i]->count) qsort(all[i]->values, all[i]->count, sizeof(float), smaller);
        printf(",\"%s_p50\":%.1f,\"%s_p99\":%.1f", names[i], part(all[i], .5), names[i], part(all[i], .99));
    }
    printf("}\n");
}

int main(int argc, char **argv) {
    int hold = argc == 5 && !strcmp(argv[4], "hold");
    if (argc != 6 && !hold) { fprintf(stderr, "usage: load PORT REQUEST CONNECTIONS SECONDS MARKS | hold\n"); return 2; }
    port = atoi(argv[1]);
    load_request(argv[2]);
    total = atoi(argv[3]);
    expected = hold ? 0 : atoi(argv[5]);
    connections = calloc(total, sizeof *connections);
    loop = epoll_create1(0);
    begun = now();
    until = hold ? 0 : begun + (int64_t)(atof(argv[4]) * 1e9);
    for (int i = 0; i < total; i++) { dial(&connections[i]); begin(&connections[i]); }
    int64_t limit = hold ? begun + 60000000000LL : until + PATIENCE * 1000000000LL;
    struct epoll_event events[512];
    while (busy > 0 && (!hold || held < total) && now() < limit) {
        int k = epoll_wait(loop, events, 512, 200);
        for (int i = 0; i < k; i++) readable(&connections[events[i].data.u32]);
    }
    if (!hold) { print_result(); return 0; }
    printf("{\"open\":%d,\"seconds\":%.6f}\n", held, (now() - begun) / 1e9);
    fflush(stdout);
    return getchar() == EOF ? 0 : 1;
}
