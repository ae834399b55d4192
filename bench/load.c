/* A load generator for what dnsperf cannot do: many source addresses, and latencies of a paced load with percentiles.

   Usage: load PORT NAMES SECONDS flight|rate NUMBER CLIENTS [once]

   flight N: N queries are always under way. rate N: N queries a second leave at random (Poisson) moments that do not
   wait for answers. Latency counts from sending until the kernel has the answer at our socket (SO_TIMESTAMPNS), so that
   a moment in which this program does not get the processor is not held against the server; a sender that is late does
   not catch up in a burst, it counts the pause ("behind"). CLIENTS sockets, each bound to a source address of its own in 127.16.0.0/12 (1 means 127.0.0.1 itself).
   once: stop at the end of NAMES (one name a line) instead of starting again. Prints one JSON object. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#define SLOTS 65536
#define LOST_AFTER 1000000000ull /* ns without an answer until a query counts as lost */
#define BEHIND 1000000ull /* ns by which a paced sender may be late before it gives up catching up */
#define MAX_SAMPLES 20000000u

typedef unsigned long long ns_t;

static struct { ns_t at; int open; } slots[SLOTS];
static unsigned char *packets; /* size, then the datagram, one after another */
static size_t *offsets, names;
static int *sockets, epoll_fd, clients;
static uint32_t *samples;
static unsigned long long sent, answered, lost, behind, rcodes[16], seen_samples;
static unsigned under_way, next_id;
static size_t next_name;

static ns_t clock_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t); /* the clock of SO_TIMESTAMPNS */
    return (ns_t)t.tv_sec * 1000000000ull + (ns_t)t.tv_nsec;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void read_names(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file)
        fail(path);
    size_t room = 1 << 20, used = 0, places = 1 << 16;
    packets = malloc(room);
    offsets = malloc(places * sizeof *offsets);
    char line[512];
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, " \t\r\n")] = 0;
        if (!line[0])
            continue;
        if (used + 600 > room)
            packets = realloc(packets, room *= 2);
        if (names == places)
            offsets = realloc(offsets, (places *= 2) * sizeof *offsets);
        if (!packets || !offsets)
            fail("load: memory");
        unsigned char *start = packets + used + 2, *at = start;
        static const unsigned char HEADER[] = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}; /* RD, one question */
        memcpy(at, HEADER, 12);
        at += 12;
        for (char *label = strtok(line, "."); label; label = strtok(NULL, ".")) {
            size_t length = strlen(label);
            *at++ = (unsigned char)length;
            memcpy(at, label, length);
            at += length;
        }
        static const unsigned char TAIL[] = {0, 0, 1, 0, 1}; /* root, A, IN */
        memcpy(at, TAIL, 5);
        at += 5;
        uint16_t size = (uint16_t)(at - start);
        memcpy(packets + used, &size, 2);
        offsets[names++] = used;
        used += 2u + size;
    }
    fclose(file);
    if (!names) {
        fprintf(stderr, "load: expected at least one name in %s, found none\n", path);
        exit(1);
    }
}

static void open_sockets(unsigned short port) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    epoll_fd = epoll_create1(0);
    sockets = calloc((size_t)clients, sizeof *sockets);
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < clients; i++) {
        uint32_t address = clients == 1 ? INADDR_LOOPBACK : 0x7f100001u + (uint32_t)i; /* 127.16.0.1 and on */
        struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof own) < 0 ||
            connect(fd, (struct sockaddr *)&server, sizeof server) < 0)
            fail("load: source address");
        int on = 1, room = 8 << 20; /* what overflows here would be counted against the server */
        if (clients == 1 && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) < 0)
            setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
        if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0)
            fail("load: SO_TIMESTAMPNS");
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
            fail("load: epoll");
        sockets[i] = fd;
    }
}

static void send_one(void) {
    unsigned id = next_id++ & (SLOTS - 1);
    if (slots[id].open) { /* all ids used since: it has waited far too long */
        lost++;
        under_way--;
    }
    unsigned char *packet = packets + offsets[next_name];
    uint16_t size;
    memcpy(&size, packet, 2);
    packet[2] = (unsigned char)(id >> 8);
    packet[3] = (unsigned char)id;
    if (++next_name == names)
        next_name = 0;
    slots[id].at = clock_ns();
    slots[id].open = 1;
    under_way++;
    /* A full buffer loses the query; it is counted as lost when its time is over. */
    if (send(sockets[sent % (unsigned)clients], packet + 2, size, 0) < 0 && errno != EAGAIN && errno != ECONNREFUSED)
        fail("load: send");
    sent++;
}

static void receive(void) {
    struct epoll_event events[256];
    int ready = epoll_wait(epoll_fd, events, 256, 0);
    for (int i = 0; i < ready; i++) {
        unsigned char data[4096], control[128];
        struct iovec part = {data, sizeof data};
        for (;;) {
            struct msghdr message = {
                .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
            ssize_t size = recvmsg(events[i].data.fd, &message, 0);
            if (size <= 0)
                break;
            unsigned id = (unsigned)data[0] << 8 | data[1];
            if (size < 12 || !slots[id].open)
                continue;
            slots[id].open = 0;
            under_way--;
            answered++;
            rcodes[data[3] & 15]++;
            struct cmsghdr *stamp = CMSG_FIRSTHDR(&message);
            struct timespec came = {0, 0};
            if (stamp && stamp->cmsg_type == SCM_TIMESTAMPNS)
                memcpy(&came, CMSG_DATA(stamp), sizeof came);
            ns_t arrival = (ns_t)came.tv_sec * 1000000000ull + (ns_t)came.tv_nsec;
            ns_t passed = arrival > slots[id].at ? arrival - slots[id].at : 0;
            if (seen_samples < MAX_SAMPLES)
                samples[seen_samples++] = passed > UINT32_MAX ? UINT32_MAX : (uint32_t)passed;
        }
    }
}

static void forget_lost(ns_t now) {
    for (unsigned id = 0; id < SLOTS; id++)
        if (slots[id].open && slots[id].at + LOST_AFTER < now) {
            slots[id].open = 0;
            under_way--;
            lost++;
        }
}

static void wait_until(ns_t moment, ns_t now) {
    ns_t gap = moment > now ? moment - now : 0;
    struct timespec timeout = {(time_t)(gap / 1000000000ull), (long)(gap % 1000000000ull)};
    struct pollfd ready = {.fd = epoll_fd, .events = POLLIN};
    ppoll(&ready, 1, &timeout, NULL);
}

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double percentile(double share) {
    return seen_samples ? samples[(size_t)(share * (double)(seen_samples - 1))] / 1000.0 : 0.0;
}

int main(int argc, char **argv) {
    if (argc < 7) {
        fprintf(stderr, "usage: load PORT NAMES SECONDS flight|rate NUMBER CLIENTS [once]\n");
        return 2;
    }
    double seconds = atof(argv[3]), number = atof(argv[5]);
    int paced = strcmp(argv[4], "rate") == 0, once = argc > 7;
    clients = atoi(argv[6]);
    if (clients < 1 || clients > 65000 || number < 1 || seconds <= 0) {
        fprintf(stderr, "load: expected 1 to 65000 clients, a number and seconds above 0\n");
        return 2;
    }
    prctl(PR_SET_TIMERSLACK, 1000);
    read_names(argv[2]);
    open_sockets((unsigned short)atoi(argv[1]));
    samples = malloc(MAX_SAMPLES * sizeof *samples); /* touched only as far as it is filled */
    if (!samples)
        fail("load: memory");
    srand48(1);
    ns_t start = clock_ns(), end = start + (ns_t)(seconds * 1e9), due = start, swept = start, now = start;
    int sending = 1;
    while (now < end + LOST_AFTER && (sending || under_way)) {
        if (now >= end || (once && sent >= names))
            sending = 0;
        if (sending && paced) {
            if (due + BEHIND < now) {
                behind++;
                due = now;
            }
            while (due <= now && !(once && sent >= names)) {
                send_one();
                due += (ns_t)(-log(1.0 - drand48()) * 1e9 / number);
            }
            wait_until(due, now);
        } else {
            while (sending && under_way < (unsigned)number && !(once && sent >= names))
                send_one();
            wait_until(now + 10000000ull, now);
        }
        receive();
        now = clock_ns();
        if (now - swept > 100000000ull) {
            forget_lost(now);
            swept = now;
        }
    }
    double passed = (double)((now < end ? now : end) - start) / 1e9;
    lost += under_way;
    /* No answer is the worst latency there is: leaving it out would make a server that drops look quick. */
    for (unsigned long long i = 0; i < lost && seen_samples < MAX_SAMPLES; i++)
        samples[seen_samples++] = LOST_AFTER;
    qsort(samples, seen_samples, sizeof *samples, compare);
    printf("{\"sent\": %llu, \"answered\": %llu, \"lost\": %llu, \"behind\": %llu, \"seconds\": %.6f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
           "\"p999_us\": %.1f, \"max_us\": %.1f, \"rcodes\": {",
           sent, answered, lost, behind, passed, percentile(0.5), percentile(0.99), percentile(0.999), percentile(1.0));
    for (int i = 0, first = 1; i < 16; i++)
        if (rcodes[i]) {
            printf("%s\"%d\": %llu", first ? "" : ", ", i, rcodes[i]);
            first = 0;
        }
    printf("}}\n");
    return 0;
}
