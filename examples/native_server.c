/* A small HTTP server that is a good worker: it accepts only once it has said that it is ready, and once it is asked
   to drain it stops accepting, answers each keep-alive client's next request with "Connection: close", and exits when
   the last connection is gone. It works the same under `protocol: native`, under `protocol: systemd`, and started by
   hand (then on 127.0.0.1, port 8080 or the one given as argument).

     apps:
       web:
         command: [./native_server]
         protocol: native
         listeners: [http]                                                                                        */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <liveswap/worker.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum kind { LISTENER, CLIENT, MASTER };

/* What an event of epoll is about. */
struct watched {
  enum kind kind;
  int fd;
  size_t length; /* of the request so far */
  bool ended;    /* answered with "Connection: close": only waiting for the client to hang up */
  char request[4096];
};

struct server {
  liveswap_worker *worker;
  int epoll;
  bool draining;
  uint64_t clients;
  struct watched *listeners[64];
  size_t listener_count;
};

static void fail(const char *what, int error) {
  fprintf(stderr, "native_server: %s: %s\n", what, strerror(error));
  exit(1);
}

static struct watched *watch(struct server *server, enum kind kind, int fd) {
  struct watched *watched = calloc(1, sizeof *watched);
  /* Of all workers that wait on one listener, one is woken, not all. */
  struct epoll_event event = {.events = kind == LISTENER ? EPOLLIN | EPOLLEXCLUSIVE : EPOLLIN, .data.ptr = watched};
  if (watched == NULL) fail("calloc", errno);
  watched->kind = kind;
  watched->fd = fd;
  if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) == -1) fail("epoll_ctl", errno);
  return watched;
}

static void add_listener(struct server *server, int fd) {
  /* Another worker can take a connection between epoll's word and our accept(), which must not block then. The flag
     is on the shared socket, so `nonblock: true` in liveswap.yaml is the better place for it. */
  int flags = fcntl(fd, F_GETFL);
  if (!(flags & O_NONBLOCK)) fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  if (server->listener_count == sizeof server->listeners / sizeof server->listeners[0]) fail("listeners", EMFILE);
  server->listeners[server->listener_count++] = watch(server, LISTENER, fd);
}

static void close_client(struct server *server, struct watched *client) {
  /* close() alone ends epoll's interest only where nobody else has the connection open. The master does for a moment,
     when it counts what a draining worker has open. */
  epoll_ctl(server->epoll, EPOLL_CTL_DEL, client->fd, NULL);
  close(client->fd);
  free(client);
  liveswap_connections(server->worker, --server->clients);
}

static void accept_clients(struct server *server, int listener) {
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) != -1) {
    watch(server, CLIENT, fd);
    liveswap_connections(server->worker, ++server->clients);
  }
}

/* Answers each whole request in the buffer. False: the connection is to be closed. */
static bool answer(struct server *server, struct watched *client) {
  char *end;
  while (!client->ended && (end = memmem(client->request, client->length, "\r\n\r\n", 4)) != NULL) {
    char text[256];
    size_t used = (size_t)(end + 4 - client->request);
    bool last = server->draining || memmem(client->request, used, "Connection: close", 17) != NULL;
    int size = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n%s\r\nhello\n",
                        last ? "Connection: close\r\n" : "");
    /* A client that has not read some thousand answers is not worth a buffer here. */
    if (send(client->fd, text, (size_t)size, MSG_NOSIGNAL) != size) return false;
    client->length -= used;
    memmove(client->request, client->request + used, client->length);
    client->ended = last;
    /* Closing with unread bytes would reset the connection, and the client could lose the answer. */
    if (last) shutdown(client->fd, SHUT_WR);
  }
  return true;
}

static void serve_client(struct server *server, struct watched *client) {
  ssize_t size;
  if (client->ended || client->length == sizeof client->request) client->length = 0;
  size = recv(client->fd, client->request + client->length, sizeof client->request - client->length, 0);
  if (size == -1 && (errno == EAGAIN || errno == EINTR)) return;
  if (size > 0) client->length += (size_t)size;
  if (size <= 0 || !answer(server, client)) close_client(server, client);
}

static void on_drain(void *data, int64_t deadline_ms) {
  struct server *server = data;
  server->draining = true;
  liveswap_status(server->worker, deadline_ms < 0 ? "draining" : "draining, with a deadline");
  for (size_t i = 0; i < server->listener_count; ++i) {
    /* close() alone would not end epoll's interest, since the master and other workers have the same socket open. */
    epoll_ctl(server->epoll, EPOLL_CTL_DEL, server->listeners[i]->fd, NULL);
    close(server->listeners[i]->fd);
    free(server->listeners[i]);
  }
  server->listener_count = 0;
}

static void on_listener(void *data, const char *name, int fd) {
  struct server *server = data;
  (void)name;
  if (server->draining) close(fd);
  else add_listener(server, fd);
}

/* `liveswapctl message` can change what a program does; this one only shows what it was told. */
static void on_message(void *data, const char *text, size_t length) {
  struct server *server = data;
  (void)length;
  liveswap_status(server->worker, text);
}

static int bind_by_hand(const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  address.sin_port = htons((uint16_t)atoi(port));
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) == -1 || listen(fd, SOMAXCONN) == -1) fail("bind", errno);
  return fd;
}

static void run(struct server *server) {
  uint64_t interval = liveswap_watchdog_interval(server->worker);
  int timeout_ms = interval == 0 ? -1 : (int)(interval / 2000); /* half of it */
  while (!server->draining || server->clients > 0) {
    struct epoll_event events[64];
    int count = epoll_wait(server->epoll, events, 64, timeout_ms);
    for (int i = 0; i < count; ++i) {
      struct watched *watched = events[i].data.ptr;
      if (watched->kind == CLIENT) serve_client(server, watched);
      else if (watched->kind == LISTENER) accept_clients(server, watched->fd);
    }
    liveswap_watchdog(server->worker);
    /* Last, since it can free listeners that the events above are about. */
    if (liveswap_process(server->worker) < 0) fprintf(stderr, "native_server: bad message from the master\n");
  }
}

int main(int argc, char **argv) {
  static struct server server;
  const struct liveswap_callbacks callbacks = {.drain = on_drain, .listener = on_listener, .message = on_message};
  struct watched *master = NULL;
  int error = liveswap_open(&server.worker, LIVESWAP_UNSET_ENVIRONMENT | LIVESWAP_DRAIN_ON_SIGTERM);
  if (error < 0) fail("liveswap_open", -error);
  if ((server.epoll = epoll_create1(EPOLL_CLOEXEC)) == -1) fail("epoll_create1", errno);
  liveswap_set_callbacks(server.worker, &callbacks, &server);
  if (liveswap_fd(server.worker) != -1) master = watch(&server, MASTER, liveswap_fd(server.worker));

  if ((error = liveswap_ready(server.worker)) < 0) fail("liveswap_ready", -error);
  for (size_t i = 0; i < liveswap_listener_count(server.worker); ++i) {
    add_listener(&server, liveswap_listener_fd(server.worker, i));
  }
  if (server.listener_count == 0) add_listener(&server, bind_by_hand(argc > 1 ? argv[1] : "8080"));
  run(&server);
  liveswap_stopping(server.worker);
  liveswap_close(server.worker);
  close(server.epoll);
  free(master);
  return 0;
}
