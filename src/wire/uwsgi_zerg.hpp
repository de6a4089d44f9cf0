// How a zerg server gives its sockets to `uwsgi --zerg SOCKET`: it says nothing and gets one message, which all
// descriptors ride on by SCM_RIGHTS. uWSGI's own; read in uwsgi_manage_zerg() of its core/socket.c and
// uwsgi_attach_fd() of its core/utils.c, 2.0.
//
// uWSGI makes room for 8 descriptors; where there are more, it reads the number, connects again and makes room for
// those. It reads the message at once, so that it must be sent at once.
#pragma once

#include <cstddef>
#include <string>

namespace liveswap::wire::uwsgi {

inline constexpr std::size_t kSocketsMax = 253;  // what the kernel lets ride on one message

// "uwsgi-zerg", and the number as an int of the machine's.
[[nodiscard]] std::string offer(std::size_t sockets);

}  // namespace liveswap::wire::uwsgi
