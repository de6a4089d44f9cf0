// The fields of a plan, for an archive.
#pragma once

#include "core/archive.hpp"
#include "core/plan.hpp"

namespace liveswap::core {

template <>
inline constexpr std::optional<Leaving> kLastOf<Leaving> = Leaving::stopped_when_empty;
template <>
inline constexpr std::optional<PassEnv::Kind> kLastOf<PassEnv::Kind> = PassEnv::Kind::some;

LIVESWAP_FIELDS(Address, kind, host, port, path, abstract, if_available, text)
LIVESWAP_FIELDS(SocketOptions, backlog, v6only, nonblock, reuseport, freebind, transparent, nodelay, keepalive,
                defer_accept, fastopen, mark, interface, rcvbuf, sndbuf, tos, mode, user, group)
LIVESWAP_FIELDS(ListenerPlan, name, addresses, options, handoff, queues, match)
LIVESWAP_FIELDS(Amount, value, percent)
LIVESWAP_FIELDS(RestartLimit, burst, interval)
LIVESWAP_FIELDS(AppPolicy, workers, ready_timeout, drain_timeout, stop_timeout, drain_idle, drain_signal,
                drain_by_signal, leaving, stop_signal, restart_delay, restart_max_delay, restart_reset_after,
                restart_limit, max_surge, max_unavailable, max_draining, watchdog, overlap)
LIVESWAP_FIELDS(ReadyPlan, when, delay, interval, command, fd)
LIVESWAP_FIELDS(HooksPlan, pre_upgrade, timeout)
LIVESWAP_FIELDS(PassEnv, kind, patterns)
LIVESWAP_FIELDS(EnvFile, path, may_be_missing)
LIVESWAP_FIELDS(Limit, name, resource, soft, hard)
LIVESWAP_FIELDS(AppPlan, name, command, arguments, target, cwd, workers_auto, listeners, stdin_listener, listen_pid,
                notify_fd, inherit_as, status_file, protocol, protocol_chosen, ready, on_message, hooks, policy, user,
                group, pass_env, env_files, env, limits, output, drain_message, allow_bind, on_demand_max, io_uring,
                bind_by)
LIVESWAP_FIELDS(Access, users, groups)
LIVESWAP_FIELDS(ControlPlan, socket, observers, operators, admins, tcp)
LIVESWAP_FIELDS(MultibinderPlan, socket, allow_bind)
LIVESWAP_FIELDS(ServePlan, haproxy, uwsgi, multibinder)
LIVESWAP_FIELDS(ShutdownPolicy, delay, timeout)
LIVESWAP_FIELDS(MasterPlan, name, file, head, runtime_dir, state_dir, no_state, control, serve, log_level, log_format,
                shutdown, on_start_failure, listeners, apps)

}  // namespace liveswap::core
