/* The packets by which liveswap-bind.so asks the master what becomes of a bind or a listen; wire/bind_call.hpp says how
 * they go. Both ends are on one machine, of which the library may be the 32-bit half: all is of fixed size, in the
 * machine's byte order. C11, because the library is. */
#pragma once

#include <stdint.h>

#define LIVESWAP_BIND_VARIABLE "LIVESWAP_BIND_SOCKET" /* where the library finds the master */

#define LIVESWAP_BIND_VERSION 1u
#define LIVESWAP_BIND_ADDRESS_MAX 128u /* bytes of any sockaddr */

#define LIVESWAP_BIND_CALL_BIND 1u
#define LIVESWAP_BIND_CALL_LISTEN 2u

/* Comes with one descriptor, the socket. Behind it stands, of a bind, the sockaddr. */
struct liveswap_bind_request {
  uint32_t version;
  uint32_t call;
  int32_t descriptor; /* the socket's number in the program */
  int32_t backlog;    /* of a listen; else 0 */
};

#define LIVESWAP_BIND_GO_ON (-1)

/* Comes with a descriptor, where the program's is to be of that socket from now on; the result then is 0. */
struct liveswap_bind_answer {
  uint32_t version;
  int32_t result; /* LIVESWAP_BIND_GO_ON: the call is made as if liveswap were not there; 0: done; else errno */
};
