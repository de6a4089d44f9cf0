/* What the fixture workers share: listeners from LISTEN_FDS and words to NOTIFY_SOCKET, both by hand, so that the
 * tests depend on no library of ours. Header only; every function is static. */
#pragma once

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { kFirstListener = 3 };

static const char* env_or(const char* name, const char* otherwise) {
  const char* value = getenv(name);
  return value != NULL ? value : otherwise;
}

/* How many listeners there are, from descriptor 3 on. LISTEN_PID must name this process, as systemd demands. */
static int listeners_given(void) {
  if (atol(env_or("LISTEN_PID", "0")) != (long)getpid()) {
    return 0;
  }
  return atoi(env_or("LISTEN_FDS", "0"));
}

/* Sends a message to NOTIFY_SOCKET, a path or @abstract; without one, nothing. Returns 0, or -1 with errno. */
static int notify(const char* message) {
  const char* path = getenv("NOTIFY_SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (path == NULL || strlen(path) >= sizeof address.sun_path) {
    return path == NULL ? 0 : -1;
  }
  const size_t length = strlen(path);
  memcpy(address.sun_path, path, length);
  if (path[0] == '@') {
    address.sun_path[0] = '\0';
  }
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return -1;
  }
  const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  const ssize_t sent = sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr*)&address, size);
  close(fd);
  return sent < 0 ? -1 : 0;
}
