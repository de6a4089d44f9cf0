/* liveswap-bind.so: where seccomp cannot be used, it lets a program's bind() and listen() be done by the master, as
 * LD_PRELOAD has it loaded (liveswap.yaml(5), bind_by). No other function is touched, and without a master that answers
 * both are what they are in libc.
 *
 * Every call has a connection of its own, so that threads, forks and signal handlers need no state in common: what is
 * remembered is written once, before main(). The kernel is called directly: these are no cancellation points, and other
 * preloaded libraries do not see them. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire/bind_call_layout.h"

#define EXPORTED __attribute__((visibility("default")))

static struct sockaddr_un master;
static socklen_t master_size; /* 0: there is none */
static int (*next_bind)(int, const struct sockaddr *, socklen_t);
static int (*next_listen)(int, int);

/* An object pointer is no function pointer to ISO C, only to POSIX. */
static void find_next(void *function, const char *name) {
  void *symbol = dlsym(RTLD_NEXT, name);
  memcpy(function, &symbol, sizeof symbol);
}

/* The variable is copied: programs write over their environment, and getenv() is not safe beside setenv(). */
__attribute__((constructor)) static void begin(void) {
  const char *address = getenv(LIVESWAP_BIND_VARIABLE);
  find_next(&next_bind, "bind");
  find_next(&next_listen, "listen");
  if (address == NULL) return;
  const size_t length = strlen(address);
  if (length < 2 || length >= sizeof master.sun_path) return;
  master.sun_family = AF_UNIX;
  memcpy(master.sun_path, address, length);
  if (master.sun_path[0] == '@') master.sun_path[0] = '\0';
  master_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

static int real_bind(int fd, const struct sockaddr *address, socklen_t size) {
  return next_bind != NULL ? next_bind(fd, address, size) : (int)syscall(SYS_bind, fd, address, size);
}

static int real_listen(int fd, int backlog) {
  return next_listen != NULL ? next_listen(fd, backlog) : (int)syscall(SYS_listen, fd, backlog);
}

static int connect_to_master(void) {
  const int connection = (int)syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (connection < 0) return -1;
  long result;
  do {
    result = syscall(SYS_connect, connection, &master, master_size);
  } while (result < 0 && errno == EINTR);
  if (result == 0) return connection;
  syscall(SYS_close, connection);
  return -1;
}

/* Room for one descriptor, aligned as the kernel wants it. */
union control {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int))];
};

/* The program's address is handed on without being looked at: what it points to, only the kernel can say safely. */
static int send_request(int connection, const struct liveswap_bind_request *request, const struct sockaddr *address,
                        socklen_t size) {
  struct liveswap_bind_request header = *request;
  struct iovec parts[2] = {{&header, sizeof header}, {(void *)(size_t)address, size}};
  union control control;
  memset(&control, 0, sizeof control);
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_iov = parts;
  message.msg_iovlen = size > 0 ? 2 : 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control.bytes;
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN(sizeof(int));
  const int fd = request->descriptor;
  memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
  long sent;
  do {
    sent = syscall(SYS_sendmsg, connection, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? -1 : 0;
}

/* The result; *given is the descriptor that came with it, or -1. What is no answer means that nobody gives one. */
static int receive_answer(int connection, int *given) {
  struct liveswap_bind_answer answer;
  struct iovec part = {&answer, sizeof answer};
  union control control;
  struct msghdr message;
  memset(&message, 0, sizeof message);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control.bytes;
  long size;
  do {
    size = syscall(SYS_recvmsg, connection, &message, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return LIVESWAP_BIND_GO_ON;
  const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
      header->cmsg_len == CMSG_LEN(sizeof(int))) {
    memcpy(given, CMSG_DATA(header), sizeof *given);
  }
  if (size != sizeof answer || answer.version != LIVESWAP_BIND_VERSION) return LIVESWAP_BIND_GO_ON;
  if (message.msg_flags & MSG_CTRUNC) return EMFILE; /* the socket that was to take the place did not fit */
  return answer.result;
}

/* The program's descriptor keeps its number, and whether a program that it executes has it. */
static int replace(int fd, int given) {
  const long flags = syscall(SYS_fcntl, fd, F_GETFD);
  if (flags < 0) return errno;
  const int placed = (int)syscall(SYS_dup3, given, fd, (flags & FD_CLOEXEC) ? O_CLOEXEC : 0);
  return placed < 0 ? errno : 0;
}

/* LIVESWAP_BIND_GO_ON, 0 or an errno. errno itself is as it was. */
static int ask(const struct liveswap_bind_request *request, const struct sockaddr *address, socklen_t size) {
  if (master_size == 0 || size > LIVESWAP_BIND_ADDRESS_MAX || request->descriptor < 0) return LIVESWAP_BIND_GO_ON;
  const int before = errno;
  int result = LIVESWAP_BIND_GO_ON, given = -1;
  const int connection = connect_to_master();
  if (connection >= 0) {
    if (send_request(connection, request, address, size) == 0) result = receive_answer(connection, &given);
    syscall(SYS_close, connection);
  }
  if (given >= 0) {
    if (result == 0) result = replace(request->descriptor, given);
    syscall(SYS_close, given);
  }
  errno = before;
  return result;
}

static int returned(int error) {
  if (error == 0) return 0;
  errno = error;
  return -1;
}

/* By other names here, since glibc declares these with a type of its own for the address. */
EXPORTED int program_bind(int fd, const struct sockaddr *address, socklen_t size) __asm__("bind");
EXPORTED int program_listen(int fd, int backlog) __asm__("listen");

int program_bind(int fd, const struct sockaddr *address, socklen_t size) {
  const struct liveswap_bind_request request = {LIVESWAP_BIND_VERSION, LIVESWAP_BIND_CALL_BIND, fd, 0};
  const int result = ask(&request, address, size);
  return result == LIVESWAP_BIND_GO_ON ? real_bind(fd, address, size) : returned(result);
}

int program_listen(int fd, int backlog) {
  const struct liveswap_bind_request request = {LIVESWAP_BIND_VERSION, LIVESWAP_BIND_CALL_LISTEN, fd, backlog};
  const int result = ask(&request, NULL, 0);
  return result == LIVESWAP_BIND_GO_ON ? real_listen(fd, backlog) : returned(result);
}
