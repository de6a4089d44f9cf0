// Which links (worker_link.hpp) a worker has: by its release's protocol and keys.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "core/action.hpp"
#include "master/release.hpp"
#include "master/worker_context.hpp"
#include "master/worker_link.hpp"

namespace liveswap::master {

using WorkerLinks = std::vector<std::unique_ptr<WorkerLink>>;

[[nodiscard]] std::expected<WorkerLinks, std::string> make_links(const WorkerContext& context, const core::Spawn& ids,
                                                                 std::shared_ptr<const Release> release,
                                                                 const LinkHandlers& handlers);

}  // namespace liveswap::master
