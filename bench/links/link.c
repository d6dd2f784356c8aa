// A long line between two network namespaces: one TUN device in each, and a program that carries packets from one to the
// other, late, no faster than the line and not all of them. In user space, because many kernels come without netem.
//
//   link NAMESPACE NAMESPACE RATE_MBIT DELAY_MS LOSS_PERCENT QUEUE_KIB SEED
//
// Delay and loss are those of one way, and both ways have them. A full queue drops what comes last. SIGUSR1 begins a
// blackout, SIGUSR2 ends it. A line without loss takes what a network card would take, many segments of one connection as
// one, which costs a fraction; on one with loss each segment must be able to get lost alone. Says "ready" when both devices are there, and ends when its standard input does; then it
// prints what became of the packets.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PACKET = 65536 + sizeof(struct virtio_net_hdr), READS_IN_A_ROW = 64 };

// Of IPv4 and of TCP with its timestamps: every segment has them on the wire.
enum { SEGMENT_HEADERS = 52 };

// Waking for every packet of a fast line would cost more than carrying it.
static const int64_t MIN_SLEEP_NS = 100000;

struct packet {
  struct packet *next;
  int64_t due_ns;
  int length;
  char bytes[];
};

struct way {
  int from, to;
  struct packet *first, *last;
  int64_t free_ns; // when the line has sent everything that is queued
  long carried, lost, dropped, blacked_out;
};

struct line {
  double ns_per_byte, loss;
  int64_t delay_ns, queue_ns;
};

static volatile sig_atomic_t is_black;

static void begin_blackout(int signal) { (void)signal, is_black = 1; }
static void end_blackout(int signal) { (void)signal, is_black = 0; }

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int open_device(const char *namespace, int takes_segments) {
  char path[256];
  snprintf(path, sizeof path, "/var/run/netns/%s", namespace);
  int ns = open(path, O_RDONLY | O_CLOEXEC);
  if (ns < 0 || setns(ns, CLONE_NEWNET) < 0) fail(path);
  close(ns);
  int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (device < 0) fail("/dev/net/tun");
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, .ifr_name = "link"};
  if (ioctl(device, TUNSETIFF, &request) < 0) fail("TUNSETIFF");
  if (takes_segments && ioctl(device, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) < 0) fail("TUNSETOFFLOAD");
  return device;
}

// Bytes on the wire: what the kernel handed over as one packet goes there as segments with headers of their own.
static int wire_length(const char *bytes, int length) {
  const struct virtio_net_hdr *header = (const struct virtio_net_hdr *)bytes;
  int packet = length - (int)sizeof *header;
  if (header->gso_type == VIRTIO_NET_HDR_GSO_NONE || header->gso_size == 0) return packet;
  int segments = (packet - SEGMENT_HEADERS + header->gso_size - 1) / header->gso_size;
  return packet + (segments - 1) * SEGMENT_HEADERS;
}

static void take(struct way *way, const struct line *line) {
  _Alignas(struct virtio_net_hdr) char bytes[MAX_PACKET];
  for (int i = 0; i < READS_IN_A_ROW; i++) {
    int length = read(way->from, bytes, sizeof bytes);
    if (length <= 0) return;
    int64_t now = now_ns();
    if (way->free_ns < now) way->free_ns = now;
    int64_t sending_ns = wire_length(bytes, length) * line->ns_per_byte;
    if (is_black) way->blacked_out++;
    else if (drand48() < line->loss) way->lost++;
    else if (way->free_ns - now + sending_ns > line->queue_ns) way->dropped++;
    else {
      struct packet *packet = malloc(sizeof *packet + length);
      if (!packet) fail("malloc");
      way->free_ns += sending_ns;
      *packet = (struct packet){.due_ns = way->free_ns + line->delay_ns, .length = length};
      memcpy(packet->bytes, bytes, length);
      if (way->first) way->last->next = packet;
      else way->first = packet;
      way->last = packet;
    }
  }
}

static void deliver(struct way *way, int64_t now) {
  while (way->first && way->first->due_ns <= now) {
    struct packet *packet = way->first;
    way->first = packet->next;
    if (write(way->to, packet->bytes, packet->length) == packet->length) way->carried++;
    else way->dropped++;
    free(packet);
  }
}

static struct timespec until_next(const struct way ways[2], int64_t now) {
  int64_t wait_ns = 1000000000;
  for (int i = 0; i < 2; i++)
    if (ways[i].first && ways[i].first->due_ns - now < wait_ns) wait_ns = ways[i].first->due_ns - now;
  return (struct timespec){0, wait_ns < MIN_SLEEP_NS ? MIN_SLEEP_NS : wait_ns - 1};
}

int main(int count, char **words) {
  if (count != 8) {
    fputs("usage: link NAMESPACE NAMESPACE RATE_MBIT DELAY_MS LOSS_PERCENT QUEUE_KIB SEED\n", stderr);
    return 2;
  }
  struct line line = {.ns_per_byte = 8e3 / atof(words[3]), .loss = atof(words[5]) / 100};
  line.delay_ns = atof(words[4]) * 1e6;
  line.queue_ns = atof(words[6]) * 1024 * line.ns_per_byte;
  srand48(atol(words[7]));
  signal(SIGUSR1, begin_blackout);
  signal(SIGUSR2, end_blackout);
  signal(SIGINT, SIG_IGN); // Ctrl-C goes to the whole group; who started this program ends it.
  prctl(PR_SET_TIMERSLACK, 1000);
  // A line is never busy with something else.
  if (setpriority(PRIO_PROCESS, 0, -20) < 0) perror("setpriority");
  int takes_segments = line.loss == 0;
  int near = open_device(words[1], takes_segments), far = open_device(words[2], takes_segments);
  struct way ways[2] = {{.from = near, .to = far}, {.from = far, .to = near}};
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct timespec wait = until_next(ways, now_ns());
    struct pollfd polled[3] = {{near, POLLIN, 0}, {far, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    ppoll(polled, 3, &wait, NULL);
    if (polled[2].revents) break;
    for (int i = 0; i < 2; i++) take(&ways[i], &line);
    int64_t now = now_ns();
    for (int i = 0; i < 2; i++) deliver(&ways[i], now);
  }
  const char *names[] = {"up", "down"};
  for (int i = 0; i < 2; i++)
    printf("%s carried %ld lost %ld dropped %ld blacked-out %ld\n", names[i], ways[i].carried, ways[i].lost,
           ways[i].dropped, ways[i].blacked_out);
}
