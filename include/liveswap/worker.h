/* liveswap/worker.h: for programs that want to be good workers of a liveswap master. libliveswap(3) is the
   manual.

   One program works the same under three protocols, which liveswap_open() tells apart by the environment:
   - native:  the master's channel (protocol: native in liveswap.yaml);
   - systemd: NOTIFY_SOCKET and LISTEN_FDS (protocol: systemd, or systemd itself);
   - none:    no supervisor; there are no listeners, and what is said goes nowhere.

   No function blocks or raises SIGPIPE. Where a function returns int, 0 is success (or a count) and a
   negative errno value is failure; errno itself means nothing. A worker object may be used by one thread at a
   time. */
#ifndef LIVESWAP_WORKER_H
#define LIVESWAP_WORKER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LIVESWAP_API __attribute__((visibility("default")))
#else
#define LIVESWAP_API
#endif

typedef struct liveswap_worker liveswap_worker;

enum liveswap_protocol { LIVESWAP_NONE = 0, LIVESWAP_SYSTEMD = 1, LIVESWAP_NATIVE = 2 };

enum liveswap_open_flags {
  /* Remove the variables that were read, so that programs started later do not take them for theirs. */
  LIVESWAP_UNSET_ENVIRONMENT = 1,
  /* Where there is no channel, take SIGTERM for the request to drain: it is blocked in the calling thread and
     comes by liveswap_fd() and the drain callback. Open before other threads are started, so that they
     inherit it. */
  LIVESWAP_DRAIN_ON_SIGTERM = 2
};

/* "0.1.0": of the library that runs. */
LIVESWAP_API const char* liveswap_version(void);

/* Looks at the environment, makes all descriptors that were handed over close-on-exec, and says hello on the
   channel. On failure *worker is NULL: -EINVAL (a variable is no number), -EBADF (a descriptor that a
   variable names is not open or is no channel), -ENOMEM, and what socket(2) and signalfd(2) fail with. Not
   thread-safe: it reads, and with LIVESWAP_UNSET_ENVIRONMENT changes, the environment. */
LIVESWAP_API int liveswap_open(liveswap_worker** worker, unsigned flags);

/* Closes the channel, but no listener: those belong to the program. NULL is allowed. */
LIVESWAP_API void liveswap_close(liveswap_worker* worker);

LIVESWAP_API enum liveswap_protocol liveswap_worker_protocol(const liveswap_worker* worker);

/* ---- listeners: in the order of the configuration file; one name can have several ---- */

LIVESWAP_API size_t liveswap_listener_count(const liveswap_worker* worker);
/* The descriptor, which the program may use and close; or -EINVAL for an index out of range. */
LIVESWAP_API int liveswap_listener_fd(const liveswap_worker* worker, size_t index);
/* Never NULL, valid as long as the worker object; "" out of range, or where names were not handed over. */
LIVESWAP_API const char* liveswap_listener_name(const liveswap_worker* worker, size_t index);
/* The descriptor of the nth listener (from 0) of that name, or -ENOENT. */
LIVESWAP_API int liveswap_find_listener(const liveswap_worker* worker, const char* name, size_t nth);

/* ---- what the master says ---- */

struct liveswap_callbacks {
  /* Stop accepting, finish what is open, exit. The worker is stopped in deadline_ms milliseconds; -1: it may
     take as long as it needs, or nobody said. Can come more than once, each time with a new deadline. */
  void (*drain)(void* data, int64_t deadline_ms);
  /* A further listener; the descriptor belongs to the program. The name is valid during the call. */
  void (*listener)(void* data, const char* name, int fd);
  /* The master is gone. The worker goes on; after this call liveswap_fd() is -1 and nothing more is heard. */
  void (*lost)(void* data);
  /* What an operator says, by liveswapctl message: bytes without a NUL, and one behind them. Valid during the
     call. Only native masters hand it on here. */
  void (*message)(void* data, const char* text, size_t length);
};

/* Each callback may be NULL. They are called from liveswap_process() alone, and may use every function but
   liveswap_process() and liveswap_close(). The struct is copied; data is handed to them. */
LIVESWAP_API void liveswap_set_callbacks(liveswap_worker* worker, const struct liveswap_callbacks* callbacks,
                                         void* data);

/* The descriptor to poll for reading, or -1 where nothing can come. It belongs to the library, and stays the
   same until it is -1. */
LIVESWAP_API int liveswap_fd(const liveswap_worker* worker);

/* Handles all that has come, and returns how many messages that were. -EPROTO: a packet was not understood
   and dropped; -EMFILE: listeners came, and were dropped, since the process may not open as many descriptors;
   -ENOMEM. After each of these the next call goes on with what came behind. */
LIVESWAP_API int liveswap_process(liveswap_worker* worker);

/* ---- what the worker says ----
   All return 0, or -EAGAIN: the master does not keep up, try again later; -EPIPE: the master is gone; and
   other errors of sendmsg(2). Without a supervisor they do nothing and return 0. */

/* Under native, accept only after this has returned 0. */
LIVESWAP_API int liveswap_ready(liveswap_worker* worker);
/* One line of UTF-8 for people. */
LIVESWAP_API int liveswap_status(liveswap_worker* worker, const char* text);
/* How many connections are open. May be called at each change: it sends at most ten times a second, but 0 at
   once. Only native masters are told. */
LIVESWAP_API int liveswap_connections(liveswap_worker* worker, uint64_t open);
/* Still alive; to be called at least twice in each liveswap_watchdog_interval(), and at each turn of a loop
   if one likes: it sends at most four times in an interval, and nothing where there is no watchdog. */
LIVESWAP_API int liveswap_watchdog(liveswap_worker* worker);
/* In microseconds; 0: no watchdog. */
LIVESWAP_API uint64_t liveswap_watchdog_interval(const liveswap_worker* worker);
/* More time for what is being done now (getting ready, draining): that many microseconds from now. */
LIVESWAP_API int liveswap_extend(liveswap_worker* worker, uint64_t microseconds);
/* On its way out, asked or of its own accord. */
LIVESWAP_API int liveswap_stopping(liveswap_worker* worker);

#ifdef __cplusplus
}
#endif

#endif
