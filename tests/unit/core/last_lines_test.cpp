// Goal: whoever asked for a rollout that fails is told what the worker that failed had to say.
#include <doctest/doctest.h>

#include "stage.hpp"

using namespace stage;

namespace {

std::vector<std::string> lines_of_answer(Stage& stage, const WorkerExited& event) {
  ActionList actions;
  stage.core().step(stage.now(), event, actions);
  for (const Action& action : actions) {
    if (const auto* answer = std::get_if<Answer>(&action)) return answer->outcome.last_lines;
  }
  return {"no answer"};
}

const std::vector<std::string> kLines{"reading tables", "still warming up"};

}  // namespace

TEST_CASE("the last lines of a worker that ended before it was ready are in the answer") {
  Stage stage;
  stage.run_web(policy_of(1));
  stage.upgrade(policy_of(1));
  stage.launched(2);
  CHECK(lines_of_answer(stage, {WorkerId{2}, {.code = 3}, kLines, true}) == kLines);
}

TEST_CASE("the last lines of a worker that was not ready in time are in the answer, though it ends later") {
  Stage stage;
  stage.run_web(policy_of(2));
  stage.upgrade(policy_of(2));
  stage.launched(3);
  stage.launched(4);
  stage.ready(4);
  stage.pass(30s);
  CHECK(lines_of_answer(stage, {WorkerId{3}, {.signaled = true, .code = 15}, kLines, true}) == kLines);
}
