/* An HTTP/1.1 server that is a good worker, and on request a bad one.
 *
 * One thread, epoll. Listeners come from LISTEN_FDS: stream sockets speak HTTP, datagram sockets answer each datagram
 * with the same words. Without any it binds PORT on 127.0.0.1 by itself, as a program does that knows nothing of us.
 * Asked to drain by TERM it stops accepting, answers the next request of each open connection with `Connection: close`,
 * closes the silent ones after DRAIN_MS (3000), and ends when none is open.
 *
 *   GET /             the words: version=v1 pid=123 slot=0 generation=1
 *   GET /slow?ms=N    the same, N ms later
 *   GET /bytes?n=N    N bytes
 *   GET /exit         ends at once, unanswered
 *
 * VERSION is what it calls itself. READY_MS: says READY=1 that much later, and accepts only then. FAULT is one of
 *   exit               ends at once with status 3 and a line on standard error
 *   hang               never accepts, never ready; TERM ends it
 *   deaf               never accepts, never ready, ignores TERM
 *   stay               serves, but ignores TERM
 *   crash_after=MS     aborts that long after READY=1
 *   freeze_after=MS    does nothing any more that long after READY=1, not even WATCHDOG=1
 *   orphan             leaves a process in a session of its own, which ignores TERM
 *   listen=N           calls listen() again with that backlog */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>

#include "worker_common.h"

enum { kHeadMax = 4096, kAcceptsAtOnce = 16, kEventsAtOnce = 64 };

struct connection {
  int fd;
  bool last;           /* close it after this answer */
  size_t in_length;    /* of the head that is being read */
  size_t out_length;   /* of the words that are being written, then `filler` more bytes */
  size_t out_done;
  size_t filler;
  int64_t due_ms;      /* when to answer (slow), or to close (silent while draining); 0: never */
  bool slow;
  uint32_t wanted;     /* epoll's events */
  char in[kHeadMax];
  char out[512];
  struct connection* next;
  struct connection** link;
};

struct server {
  int epoll, signals, listeners, open, slow;
  bool draining;
  int64_t drain_ms;
  int64_t fault_due_ms; /* 0: never */
  int64_t watchdog_ms, watchdog_due_ms;
  const char* version;
  const char* fault;
  struct connection* connections;
};

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void die(const char* what) {
  fprintf(stderr, "http_worker: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* The number after `name=` in FAULT, or -1. */
static int64_t fault_number(const struct server* server, const char* name) {
  const size_t length = strlen(name);
  if (strncmp(server->fault, name, length) != 0 || server->fault[length] != '=') {
    return -1;
  }
  return atoll(server->fault + length + 1);
}

static bool fault_is(const struct server* server, const char* name) { return strcmp(server->fault, name) == 0; }

static int words(const struct server* server, char* to, size_t size) {
  return snprintf(to, size, "version=%s pid=%ld slot=%s generation=%s\n", server->version, (long)getpid(),
                  env_or("LIVESWAP_SLOT", "-"), env_or("LIVESWAP_GENERATION", "-"));
}

/* Connections. */

static void want(const struct server* server, struct connection* connection, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = connection};
  if (events != connection->wanted && epoll_ctl(server->epoll, EPOLL_CTL_MOD, connection->fd, &event) != 0) {
    die("epoll_ctl");
  }
  connection->wanted = events;
}

static void set_slow(struct server* server, struct connection* connection, bool slow) {
  server->slow += (int)slow - (int)connection->slow;
  connection->slow = slow;
}

static void open_connection(struct server* server, int fd) {
  struct connection* connection = calloc(1, sizeof *connection);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
  if (connection == NULL || epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
    die("a new connection");
  }
  connection->fd = fd;
  connection->wanted = EPOLLIN;
  connection->next = server->connections;
  connection->link = &server->connections;
  if (connection->next != NULL) {
    connection->next->link = &connection->next;
  }
  server->connections = connection;
  ++server->open;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* fails on a Unix socket, which needs none */
}

static void close_connection(struct server* server, struct connection* connection) {
  set_slow(server, connection, false);
  *connection->link = connection->next;
  if (connection->next != NULL) {
    connection->next->link = connection->link;
  }
  close(connection->fd);
  free(connection);
  --server->open;
}

/* Writes what is left of the answer. False: the connection is gone. */
static bool write_answer(struct server* server, struct connection* connection) {
  static char filler[65536];
  if (filler[0] == '\0') {
    memset(filler, 'x', sizeof filler);
  }
  while (connection->out_done < connection->out_length || connection->filler > 0) {
    const bool head = connection->out_done < connection->out_length;
    const size_t left = head ? connection->out_length - connection->out_done
                             : (connection->filler < sizeof filler ? connection->filler : sizeof filler);
    const char* from = head ? connection->out + connection->out_done : filler;
    const ssize_t sent = send(connection->fd, from, left, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) {
      want(server, connection, EPOLLOUT);
      return true;
    }
    if (sent < 0) {
      close_connection(server, connection);
      return false;
    }
    *(head ? &connection->out_done : &connection->filler) += head ? (size_t)sent : -(size_t)sent;
  }
  connection->out_done = connection->out_length = 0;
  if (connection->last) {
    close_connection(server, connection);
    return false;
  }
  connection->due_ms = server->draining ? now_ms() + server->drain_ms : 0;
  want(server, connection, EPOLLIN);
  return true;
}

static bool answer(struct server* server, struct connection* connection, size_t bytes) {
  char body[256];
  const int length = words(server, body, sizeof body);
  connection->last = connection->last || server->draining;
  connection->filler = bytes;
  connection->out_length = (size_t)snprintf(
      connection->out, sizeof connection->out,
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n%s\r\n%s",
      bytes > 0 ? bytes : (size_t)length, connection->last ? "Connection: close\r\n" : "", bytes > 0 ? "" : body);
  return write_answer(server, connection);
}

/* Answers the request whose head is complete. */
static bool serve(struct server* server, struct connection* connection, size_t head) {
  char* text = connection->in;
  text[head - 1] = '\0';
  connection->last = strcasestr(text, "\r\nConnection: close") != NULL || strstr(text, " HTTP/1.0\r\n") != NULL;
  char path[256] = "";
  sscanf(text, "%*15s %255s", path);
  connection->in_length -= head;
  if (strcmp(path, "/exit") == 0) {
    _exit(4);
  }
  size_t bytes = 0;
  long slow_ms = 0;
  if (sscanf(path, "/slow?ms=%ld", &slow_ms) == 1) {
    set_slow(server, connection, true);
    connection->due_ms = now_ms() + slow_ms;
    want(server, connection, 0);
    memmove(text, text + head, connection->in_length);
    return true;
  }
  sscanf(path, "/bytes?n=%zu", &bytes);
  memmove(text, text + head, connection->in_length);
  return answer(server, connection, bytes);
}

static void read_request(struct server* server, struct connection* connection) {
  const size_t room = sizeof connection->in - 1 - connection->in_length;
  const ssize_t got = recv(connection->fd, connection->in + connection->in_length, room, 0);
  if (got < 0 && errno == EAGAIN) {
    return;
  }
  if (got <= 0) {
    close_connection(server, connection);
    return;
  }
  connection->in_length += (size_t)got;
  for (;;) { /* once a request: several may have come at once */
    connection->in[connection->in_length] = '\0';
    const char* end = strstr(connection->in, "\r\n\r\n");
    if (end == NULL) {
      if (connection->in_length == sizeof connection->in - 1) {
        close_connection(server, connection);
      }
      return;
    }
    if (!serve(server, connection, (size_t)(end - connection->in) + 4)) {
      return;
    }
    if (connection->slow || connection->out_length > 0) {
      return;
    }
  }
}

/* Listeners. */

static bool is_datagram(int fd) {
  int kind = 0;
  socklen_t size = sizeof kind;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &size) == 0 && kind == SOCK_DGRAM;
}

/* Where other listeners are, which are told from connections by their numbers. */
static int bind_own(const char* port) {
  const struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || dup2(fd, kFirstListener) < 0) {
    die("socket");
  }
  if (fd != kFirstListener) {
    close(fd);
  }
  setsockopt(kFirstListener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  if (bind(kFirstListener, (const struct sockaddr*)&address, sizeof address) != 0 ||
      listen(kFirstListener, 511) != 0) {
    die("bind");
  }
  return 1;
}

static void listen_on(struct server* server) {
  const int64_t backlog = fault_number(server, "listen");
  for (int i = 0; i < server->listeners; ++i) {
    const int fd = kFirstListener + i;
    /* The flag belongs to the socket that all workers share; nearly every event-driven server sets it. */
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) {
      die("fcntl");
    }
    if (backlog >= 0 && !is_datagram(fd) && listen(fd, (int)backlog) != 0) {
      die("listen");
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.u64 = (uint64_t)fd};
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
      die("epoll_ctl of a listener");
    }
  }
}

static void answer_datagrams(const struct server* server, int fd) {
  char text[512];
  struct sockaddr_storage from;
  for (;;) {
    socklen_t size = sizeof from;
    if (recvfrom(fd, text, sizeof text, 0, (struct sockaddr*)&from, &size) < 0) {
      return;
    }
    const int length = words(server, text, sizeof text);
    sendto(fd, text, (size_t)length, MSG_NOSIGNAL, (struct sockaddr*)&from, size);
  }
}

static void accept_some(struct server* server, int listener) {
  if (is_datagram(listener)) {
    answer_datagrams(server, listener);
    return;
  }
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      return;
    }
    open_connection(server, fd);
  }
}

/* Life. */

static void drain(struct server* server) {
  if (server->draining) {
    return;
  }
  server->draining = true;
  notify("STOPPING=1");
  for (int i = 0; i < server->listeners; ++i) {
    epoll_ctl(server->epoll, EPOLL_CTL_DEL, kFirstListener + i, NULL);
    close(kFirstListener + i);
  }
  for (struct connection* c = server->connections; c != NULL; c = c->next) {
    if (!c->slow && c->out_length == 0) {
      c->due_ms = now_ms() + server->drain_ms;
    }
  }
}

static void handle_signals(struct server* server) {
  struct signalfd_siginfo info;
  while (read(server->signals, &info, sizeof info) == (ssize_t)sizeof info) {
    if (!fault_is(server, "stay")) {
      drain(server);
    }
  }
}

static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

/* Answers the slow and closes the silent that are due; returns when the next one is. */
static int64_t run_connections(struct server* server, int64_t now) {
  int64_t next = INT64_MAX;
  if (server->slow == 0 && !server->draining) {
    return next;
  }
  for (struct connection *c = server->connections, *after; c != NULL; c = after) {
    after = c->next;
    if (c->due_ms > now) {
      next = earlier(next, c->due_ms);
    } else if (c->slow) {
      set_slow(server, c, false);
      answer(server, c, 0);
    } else if (c->due_ms != 0) {
      close_connection(server, c);
    }
  }
  return next;
}

static void misbehave_when_ready(const struct server* server) {
  if (fault_number(server, "crash_after") >= 0) {
    fputs("http_worker: crashing, as FAULT says\n", stderr);
    abort();
  }
  for (;;) {
    pause();
  }
}

/* Does what is due; returns for how long nothing else will be, for epoll_wait. */
static int run_due(struct server* server) {
  const int64_t now = now_ms();
  int64_t next = run_connections(server, now);
  if (server->fault_due_ms != 0) {
    if (server->fault_due_ms <= now) {
      misbehave_when_ready(server);
    }
    next = earlier(next, server->fault_due_ms);
  }
  if (server->watchdog_ms != 0) {
    if (server->watchdog_due_ms <= now) {
      notify("WATCHDOG=1");
      server->watchdog_due_ms = now + server->watchdog_ms;
    }
    next = earlier(next, server->watchdog_due_ms);
  }
  return next == INT64_MAX ? -1 : (int)(next > now ? next - now : 0);
}

static void misbehave_at_start(const struct server* server) {
  if (fault_is(server, "exit")) {
    fprintf(stderr, "http_worker: %s ends at once, as FAULT says\n", server->version);
    exit(3);
  }
  if (fault_is(server, "orphan") && fork() == 0) {
    setsid();
    signal(SIGTERM, SIG_IGN);
    for (;;) {
      pause();
    }
  }
  if (fault_is(server, "deaf")) {
    signal(SIGTERM, SIG_IGN);
  }
  while (fault_is(server, "hang") || fault_is(server, "deaf")) {
    pause();
  }
}

static void get_ready(struct server* server) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  const long ready_ms = atol(env_or("READY_MS", "0"));
  nanosleep(&(struct timespec){.tv_sec = ready_ms / 1000, .tv_nsec = ready_ms % 1000 * 1000000}, NULL);
  sigprocmask(SIG_BLOCK, &set, NULL);
  server->epoll = epoll_create1(EPOLL_CLOEXEC);
  server->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)server->signals};
  if (server->epoll < 0 || server->signals < 0 ||
      epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->signals, &event) != 0) {
    die("epoll");
  }
  listen_on(server);
  char message[256];
  snprintf(message, sizeof message, "READY=1\nSTATUS=serving %s", server->version);
  if (notify(message) != 0) {
    die("NOTIFY_SOCKET");
  }
  const int64_t crash = fault_number(server, "crash_after");
  const int64_t freeze = fault_number(server, "freeze_after");
  if (crash >= 0 || freeze >= 0) {
    server->fault_due_ms = now_ms() + (crash >= 0 ? crash : freeze);
  }
  server->watchdog_ms = atoll(env_or("WATCHDOG_USEC", "0")) / 2000;
}

static void handle(struct server* server, const struct epoll_event* event) {
  const uint64_t which = event->data.u64; /* descriptors are small numbers, connections are pointers */
  if (which == (uint64_t)server->signals) {
    handle_signals(server);
    return;
  }
  if (which < (uint64_t)(kFirstListener + server->listeners)) {
    if (!server->draining) {
      accept_some(server, (int)which);
    }
    return;
  }
  struct connection* connection = event->data.ptr;
  if (connection->out_length > 0 || connection->filler > 0) {
    write_answer(server, connection);
  } else if (!connection->slow) {
    read_request(server, connection);
  } else {
    close_connection(server, connection); /* hung up while it waited for its answer */
  }
}

int main(void) {
  struct server server = {
      .version = env_or("VERSION", "v1"), .fault = env_or("FAULT", ""), .drain_ms = atol(env_or("DRAIN_MS", "3000"))};
  misbehave_at_start(&server);
  server.listeners = listeners_given();
  if (server.listeners == 0 && getenv("PORT") != NULL) {
    server.listeners = bind_own(getenv("PORT"));
  }
  if (server.listeners == 0) {
    fputs("http_worker: no listeners: LISTEN_FDS and LISTEN_PID do not name any, and there is no PORT\n", stderr);
    return 1;
  }
  get_ready(&server);
  for (;;) {
    struct epoll_event events[kEventsAtOnce];
    const int wait_ms = run_due(&server);
    if (server.draining && server.open == 0) {
      return 0;
    }
    const int count = epoll_wait(server.epoll, events, kEventsAtOnce, wait_ms);
    for (int i = 0; i < count; ++i) {
      handle(&server, &events[i]);
    }
  }
}
