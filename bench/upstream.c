/* The upstream of all servers measured: every A query gets one fixed address with TTL 300, every other type NODATA
   with SOA. The question is echoed with its letter case, EDNS is answered with EDNS. Batches of 64 datagrams keep it
   much cheaper than any server that asks it. Usage: upstream PORT */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH 64
#define SIZE 1500

/* TTL 300, 4 octets: 192.0.2.1, of the documentation block, which rebinding protection lets pass. */
static const unsigned char ADDRESS[] = {0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 1};
/* SOA, IN, TTL 300, 22 octets: root names, serial 1, refresh, retry, expire 300, minimum 300. */
static const unsigned char SOA[] = {0, 6, 0, 1, 0, 0, 1, 44, 0, 22, 0, 0, 0, 0, 0, 1, 0, 0, 1, 44, 0, 0, 1, 44, 0, 0, 1, 44, 0, 0, 1, 44};
static const unsigned char OPT[] = {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0};

static size_t answer(const unsigned char *query, size_t size, unsigned char *out) {
    if (size < 17 || (query[2] & 0x80) || query[4] != 0 || query[5] != 1)
        return 0;
    size_t at = 12, last = 12;
    while (at < size && query[at] != 0) {
        last = at;
        at += query[at] + 1u;
    }
    if (at + 5 > size)
        return 0;
    size_t end = at + 5;
    int is_a = query[at + 1] == 0 && query[at + 2] == 1;
    int edns = query[11] >= 1 && size >= end + 11 && query[end] == 0 && query[end + 1] == 0 && query[end + 2] == 41;
    memcpy(out, query, end);
    out[2] = 0x80 | (query[2] & 0x79);
    out[3] = 0x80;
    memset(out + 6, 0, 6);
    out[is_a ? 7 : 9] = 1;
    out[11] = (unsigned char)edns;
    size_t length = end;
    /* The answer belongs to the name asked for, the SOA to its last label: always a parent. */
    out[length++] = 0xc0;
    out[length++] = (unsigned char)(is_a ? 12 : last);
    if (last > 255 && !is_a)
        return 0;
    const unsigned char *record = is_a ? ADDRESS : SOA;
    size_t record_size = is_a ? sizeof ADDRESS : sizeof SOA;
    memcpy(out + length, record, record_size);
    length += record_size;
    if (edns) {
        memcpy(out + length, OPT, sizeof OPT);
        length += sizeof OPT;
    }
    return length;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: upstream PORT\n");
        return 2;
    }
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in own = {.sin_family = AF_INET,
                              .sin_port = htons((unsigned short)atoi(argv[1])),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof own) < 0) {
        perror("upstream: bind");
        return 1;
    }
    int room = 4 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    static unsigned char in[BATCH][SIZE], out[BATCH][SIZE];
    static struct sockaddr_in peers[BATCH];
    static struct iovec in_parts[BATCH], out_parts[BATCH];
    static struct mmsghdr received[BATCH], sent[BATCH];
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            in_parts[i] = (struct iovec){in[i], SIZE};
            received[i].msg_hdr = (struct msghdr){
                .msg_name = &peers[i], .msg_namelen = sizeof peers[i], .msg_iov = &in_parts[i], .msg_iovlen = 1};
        }
        int count = recvmmsg(fd, received, BATCH, MSG_WAITFORONE, NULL);
        int ready = 0;
        for (int i = 0; i < count; i++) {
            /* 64 octets of the output are kept for what is added after the question. */
            size_t size = received[i].msg_len > SIZE - 64 ? 0 : answer(in[i], received[i].msg_len, out[ready]);
            if (size == 0)
                continue;
            out_parts[ready] = (struct iovec){out[ready], size};
            sent[ready].msg_hdr = (struct msghdr){
                .msg_name = &peers[i], .msg_namelen = sizeof peers[i], .msg_iov = &out_parts[ready], .msg_iovlen = 1};
            ready++;
        }
        for (int done = 0; done < ready;) {
            int n = sendmmsg(fd, sent + done, (unsigned)(ready - done), 0);
            done += n > 0 ? n : 1; /* a peer whose socket is gone loses its answer, nobody else's */
        }
    }
}
