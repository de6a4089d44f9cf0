/* The smallest worker: takes its listener, says READY=1, and waits for TERM to end it. For the benchmark.
 *
 * Under liveswap the listener is descriptor 3 (LISTEN_FDS). Under the bare loop, whose yardstick is one spawn and one
 * SCM_RIGHTS message a worker, it comes over the Unix socket that HANDOFF_FD names. */
#include "worker_common.h"

static int receive_listener(int channel) {
  char byte;
  struct iovec data = {.iov_base = &byte, .iov_len = 1};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1) {
    return -1;
  }
  const struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == NULL || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) {
    return -1;
  }
  int listener;
  memcpy(&listener, CMSG_DATA(header), sizeof listener);
  return listener;
}

int main(void) {
  const char* channel = getenv("HANDOFF_FD");
  const int have = channel != NULL ? receive_listener(atoi(channel)) >= 0 : listeners_given() > 0;
  if (!have) {
    fputs("ready_worker: no listener\n", stderr);
    return 1;
  }
  if (notify("READY=1") != 0) {
    perror("ready_worker: NOTIFY_SOCKET");
    return 1;
  }
  for (;;) {
    pause();
  }
}
