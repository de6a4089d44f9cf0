/* A program that makes system calls as told, one for each argument, and writes NAME=RESULT for each: what the call
   returned, or its errno with a minus. Its socket is a TCP one. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int own_socket;
static struct sockaddr_in *address; /* below 4 GiB, for i386 calls */
static uint32_t *words;             /* of a socketcall, likewise */

static long told(long result) { return result == -1 ? -errno : result; }
static long do_bind(void) { return told(bind(own_socket, (struct sockaddr *)address, sizeof *address)); }
static long do_listen(void) { return told(listen(own_socket, 5)); }

static void *bind_in_thread(void *result) {
  *(long *)result = do_bind();
  return NULL;
}

static long do_thread_bind(void) {
  long result;
  pthread_t thread;
  pthread_create(&thread, NULL, bind_in_thread, &result);
  pthread_join(thread, NULL);
  return result;
}

/* Two levels down; 0, or the errno as the status of each. */
static long do_grandchild_bind(void) {
  int status;
  pid_t child = fork();
  if (child == 0) {
    pid_t grandchild = fork();
    if (grandchild == 0) _exit((int)-do_bind());
    waitpid(grandchild, &status, 0);
    _exit(WEXITSTATUS(status));
  }
  waitpid(child, &status, 0);
  return -WEXITSTATUS(status);
}

/* A child that stays until its standard input ends; it has no part in what the test reads. */
static long do_leave_child(void) {
  char byte;
  if (fork() != 0) return 0;
  close(1);
  while (read(0, &byte, 1) > 0) continue;
  _exit(0);
}

static void on_signal(int number) { dprintf(1, "handled=%d\n", number); }
static long do_handle(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  return told(sigaction(SIGUSR1, &action, NULL));
}

static long do_port(void) {
  struct sockaddr_in name;
  socklen_t size = sizeof name;
  return getsockname(own_socket, (struct sockaddr *)&name, &size) == 0 ? ntohs(name.sin_port) : told(-1);
}

static long do_accepting(void) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(own_socket, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 ? value : told(-1);
}

static long do_privileges_given_up(void) {
  char line[256];
  FILE *status = fopen("/proc/self/status", "re");
  while (fgets(line, sizeof line, status) != NULL) {
    if (strncmp(line, "NoNewPrivs:", 11) == 0) return atoi(line + 11);
  }
  return -ENOENT;
}

static long do_io_uring(void) { return told(syscall(425, 0, NULL)); }
static long do_unlink(void) { return told(unlink("old")); }
static long do_unlinkat(void) { return told(unlinkat(own_socket, "old", AT_REMOVEDIR)); }
static long do_rename(void) { return told(rename("old", "new")); }
static long do_renameat(void) { return told(renameat(own_socket, "old", AT_FDCWD, "new")); }
static long do_renameat2(void) { return told(syscall(SYS_renameat2, AT_FDCWD, "old", own_socket, "new", 2)); }

#ifdef __x86_64__
static sigjmp_buf without_i386;
static void on_fault(int number) { siglongjmp(without_i386, number); }

static long i386(long number, long a, long b, long c) {
  long result = number;
  __asm__ volatile("int $0x80" : "+a"(result) : "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
  return (int)result;
}

/* Ends the program where the kernel has no i386 calls. */
static long do_i386(void) {
  signal(SIGSEGV, on_fault);
  if (sigsetjmp(without_i386, 1) != 0 || i386(20, 0, 0, 0) != getpid()) {
    dprintf(1, "i386=0\n");
    exit(0);
  }
  signal(SIGSEGV, SIG_DFL);
  return 1;
}

static long do_i386_bind(void) { return i386(361, own_socket, (long)address, sizeof *address); }
static long do_i386_listen(void) { return i386(363, own_socket, 6, 0); }
static long do_i386_unlink(void) { return i386(10, (long)strcpy((char *)words, "old"), 0, 0); }
static long do_socketcall_socket(void) {
  memcpy(words, (uint32_t[]){AF_INET, SOCK_STREAM, 0}, 12);
  return told(close((int)i386(102, 1, (long)words, 0)));
}
static long do_socketcall_bind(void) {
  memcpy(words, (uint32_t[]){(uint32_t)own_socket, (uint32_t)(uintptr_t)address, sizeof *address}, 12);
  return i386(102, 2, (long)words, 0);
}
static long do_socketcall_listen(void) {
  memcpy(words, (uint32_t[]){(uint32_t)own_socket, 7}, 8);
  return i386(102, 4, (long)words, 0);
}
static long do_socketcall_nowhere(void) { return i386(102, 2, 16, 0); }
static long do_x32_bind(void) {
  return told(syscall(0x40000000 | SYS_bind, own_socket, address, sizeof *address));
}
#endif

static const struct {
  const char *name;
  long (*run)(void);
} calls[] = {
    {"bind", do_bind},
    {"listen", do_listen},
    {"thread-bind", do_thread_bind},
    {"grandchild-bind", do_grandchild_bind},
    {"leave-child", do_leave_child},
    {"handle", do_handle},
    {"port", do_port},
    {"accepting", do_accepting},
    {"privileges-given-up", do_privileges_given_up},
    {"io-uring", do_io_uring},
    {"unlink", do_unlink},
    {"unlinkat", do_unlinkat},
    {"rename", do_rename},
    {"renameat", do_renameat},
    {"renameat2", do_renameat2},
#ifdef __x86_64__
    {"i386", do_i386},
    {"i386-bind", do_i386_bind},
    {"i386-listen", do_i386_listen},
    {"i386-unlink", do_i386_unlink},
    {"socketcall-socket", do_socketcall_socket},
    {"socketcall-bind", do_socketcall_bind},
    {"socketcall-listen", do_socketcall_listen},
    {"socketcall-nowhere", do_socketcall_nowhere},
    {"x32-bind", do_x32_bind},
#endif
};

int main(int argc, char **argv) {
#ifdef MAP_32BIT
  const int low = MAP_32BIT;
#else
  const int low = 0;
#endif
  address = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | low, -1, 0);
  if (address == MAP_FAILED) return 1;
  words = (uint32_t *)(address + 1);
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  own_socket = socket(AF_INET, SOCK_STREAM, 0);
  for (int i = 1; i < argc; ++i) {
    for (size_t row = 0; row < sizeof calls / sizeof *calls; ++row) {
      if (strcmp(calls[row].name, argv[i]) == 0) dprintf(1, "%s=%ld\n", argv[i], calls[row].run());
    }
  }
  return 0;
}
