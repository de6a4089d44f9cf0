/* The bare minimum of an upgrade, as a yardstick: spawns N workers, passes each the same listener by SCM_RIGHTS over a
 * socket pair, waits for READY=1 from all of them, asks the old ones to end, reaps them. Nothing else: no plan, no
 * configuration, no isolation, nobody to tell.
 *
 *   bare_loop WORKER N      an upgrade for each line on standard input; answers with two numbers: microseconds until
 *                           the old workers were asked to end, and until all of them were reaped */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kWorkersMax = 4096, kHandoffFd = 3 };

struct loop {
  const char* program;
  int count;
  int listener;
  int notify;
  char notify_variable[160];
  pid_t workers[kWorkersMax];
};

static void die(const char* what) {
  fprintf(stderr, "bare_loop: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int listen_somewhere(void) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (fd < 0 || bind(fd, (const struct sockaddr*)&address, sizeof address) != 0 || listen(fd, SOMAXCONN) != 0) {
    die("listen");
  }
  return fd;
}

/* An abstract datagram socket of the kernel's choice; workers find it in NOTIFY_SOCKET. */
static int notify_socket(char* variable, size_t size) {
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  socklen_t length = sizeof address.sun_family;
  const struct timeval limit = {.tv_sec = 30};
  if (fd < 0 || bind(fd, (struct sockaddr*)&address, length) != 0 ||
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0) {
    die("notify socket");
  }
  length = sizeof address;
  getsockname(fd, (struct sockaddr*)&address, &length);
  const int name = (int)(length - sizeof address.sun_family - 1);
  snprintf(variable, size, "NOTIFY_SOCKET=@%.*s", name, address.sun_path + 1);
  return fd;
}

static void pass(int channel, int fd) {
  char byte = 'L';
  struct iovec data = {.iov_base = &byte, .iov_len = 1};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
  if (sendmsg(channel, &message, MSG_NOSIGNAL) != 1) {
    die("sendmsg");
  }
}

static pid_t spawn_worker(struct loop* loop) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    die("socketpair");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], kHandoffFd);
  char* arguments[] = {(char*)loop->program, NULL};
  char* environment[] = {loop->notify_variable, "HANDOFF_FD=3", NULL};
  pid_t pid;
  const int error = posix_spawn(&pid, loop->program, &actions, NULL, arguments, environment);
  if (error != 0) {
    errno = error;
    die(loop->program);
  }
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  pass(ends[0], loop->listener);
  close(ends[0]);
  return pid;
}

static void upgrade(struct loop* loop) {
  pid_t old[kWorkersMax];
  memcpy(old, loop->workers, sizeof old);
  const int64_t begun = now_us();
  for (int i = 0; i < loop->count; ++i) {
    loop->workers[i] = spawn_worker(loop);
  }
  for (int ready = 0; ready < loop->count;) {
    char message[64];
    const ssize_t length = recv(loop->notify, message, sizeof message, 0);
    if (length < 0) {
      die("a worker is not ready");
    }
    ready += length >= 7 && memcmp(message, "READY=1", 7) == 0;
  }
  for (int i = 0; i < loop->count && old[i] != 0; ++i) {
    kill(old[i], SIGTERM);
  }
  const int64_t asked = now_us();
  for (int i = 0; i < loop->count && old[i] != 0; ++i) {
    while (waitpid(old[i], NULL, 0) < 0 && errno == EINTR) {
    }
  }
  printf("%ld %ld\n", (long)(asked - begun), (long)(now_us() - begun));
  fflush(stdout);
}

int main(int argc, char** argv) {
  static struct loop loop;
  loop.count = argc == 3 ? atoi(argv[2]) : 0;
  if (loop.count < 1 || loop.count > kWorkersMax) {
    fputs("usage: bare_loop WORKER N\n", stderr);
    return 2;
  }
  loop.program = argv[1];
  loop.listener = listen_somewhere();
  loop.notify = notify_socket(loop.notify_variable, sizeof loop.notify_variable);
  char line[16];
  while (fgets(line, sizeof line, stdin) != NULL) {
    upgrade(&loop);
  }
  for (int i = 0; i < loop.count && loop.workers[i] != 0; ++i) {
    kill(loop.workers[i], SIGTERM);
    waitpid(loop.workers[i], NULL, 0);
  }
  return 0;
}
