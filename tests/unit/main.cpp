// The main program of every unit test: doctest, reporting as TAP.
//
// One line a test case (`ok 3 - a worker that exits is replaced`), everything that explains a failure as `#`
// lines before it, and the plan at the end, so that a run that was cut short is an error and not a success.
// doctest's own options still work: `unit_os -r=console -tc='*pidfd*'` runs some test cases, told the usual way.
//
// Under the address sanitizer doctest's signal handlers are left out, because they would hide the sanitizer's
// report; a callback from the sanitizer then says which test case died.

#if defined(__SANITIZE_ADDRESS__)
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS
#endif
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <algorithm>
#include <ostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>

extern "C" {
const char* __asan_default_options();
const char* __ubsan_default_options();
}
const char* __asan_default_options() { return "handle_abort=1:detect_stack_use_after_return=1"; }
const char* __ubsan_default_options() { return "print_stacktrace=1:halt_on_error=1:abort_on_error=1"; }
#endif

namespace {

// In a TAP line `#` begins a directive, and a line break ends the line.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    line += (c == '#') ? '%' : (c == '\n' || c == '\r') ? ' ' : c;
  }
  return line;
}

class TapReporter final : public doctest::IReporter {
 public:
  explicit TapReporter(const doctest::ContextOptions& options) : out_(*options.cout) {}

  void report_query(const doctest::QueryData& query) override {
    for (unsigned i = 0; i < query.num_data; ++i) {
      out_ << query.data[i]->m_name << '\n';
    }
  }

  void test_run_start() override {
#if defined(__SANITIZE_ADDRESS__)
    running_ = this;
    __sanitizer_set_death_callback([] {
      if (running_ != nullptr) {
        running_->died();
      }
    });
#endif
  }

  void test_run_end(const doctest::TestRunStats& stats) override {
    if (stats.numTestCasesPassingFilters == 0) {
      comment("no test case has such a name");
    }
    out_ << "1.." << number_ << std::endl;
#if defined(__SANITIZE_ADDRESS__)
    running_ = nullptr;  // what is found at exit, as leaks are, belongs to no test case
#endif
  }

  void test_case_start(const doctest::TestCaseData& test_case) override {
    test_case_ = &test_case;
    subcases_.clear();
  }

  void test_case_reenter(const doctest::TestCaseData&) override { subcases_.clear(); }

  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    explain(stats);
    result(stats.testCaseSuccess, *test_case_, "");
    test_case_ = nullptr;
  }

  void test_case_exception(const doctest::TestCaseException& exception) override {
    at(test_case_->m_file.c_str(), static_cast<int>(test_case_->m_line),
       std::string(exception.is_crash ? "crashed: " : "threw: ") + exception.error_string.c_str());
    for (int i = 0; i < get_num_stringified_contexts(); ++i) {
      comment(std::string("  with ") + get_stringified_contexts()[i].c_str());
    }
  }

  void subcase_start(const doctest::SubcaseSignature& subcase) override {
    subcases_.emplace_back(subcase.m_name.c_str());
  }

  void subcase_end() override {
    if (!subcases_.empty()) {
      subcases_.pop_back();
    }
  }

  void log_assert(const doctest::AssertData& assertion) override {
    if (!assertion.m_failed) {
      return;
    }
    namespace kind = doctest::assertType;
    std::ostringstream text;
    text << doctest::assertString(assertion.m_at) << "( " << assertion.m_expr << " )";
    if ((assertion.m_at & kind::is_throws) != 0) {
      text << (assertion.m_threw ? " threw something else: " : " did not throw");
    } else if (assertion.m_threw) {
      text << " threw: ";
    } else {
      text << " is false; its values: " << assertion.m_decomp;
    }
    if (assertion.m_threw) {
      text << assertion.m_exception;
    }
    at(assertion.m_file, assertion.m_line, text.str());
    contexts();
  }

  void log_message(const doctest::MessageData& message) override {
    at(message.m_file, message.m_line, message.m_string.c_str());
    contexts();
  }

  void test_case_skipped(const doctest::TestCaseData& test_case) override {
    if (test_case.m_skip) {
      result(true, test_case, std::string(" # SKIP ") + (test_case.m_description ? test_case.m_description : ""));
    }
  }

 private:
  void comment(std::string_view text) {
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
      out_ << "# " << line << '\n';
    }
    out_.flush();
  }

  void at(const char* file, int line, std::string_view text) {
    std::ostringstream head;
    head << file << ':' << line << ": ";
    for (const std::string& subcase : subcases_) {
      head << "[" << subcase << "] ";
    }
    comment(head.str() + std::string(text));
  }

  void contexts() {
    for (int i = 0; i < get_num_active_contexts(); ++i) {
      std::ostringstream text;
      text << "  with ";
      get_active_contexts()[i]->stringify(&text);
      comment(text.str());
    }
  }

  // The failures that no assertion and no exception has told yet.
  void explain(const doctest::CurrentTestCaseStats& stats) {
    namespace reason = doctest::TestCaseFailureReason;
    if ((stats.failure_flags & reason::Timeout) != 0) {
      comment("took " + std::to_string(stats.seconds) + " s, more than its timeout");
    }
    if ((stats.failure_flags & reason::ShouldHaveFailedButDidnt) != 0) {
      comment("passed, and should have failed");
    }
    if ((stats.failure_flags & reason::DidntFailExactlyNumTimes) != 0) {
      comment("did not fail as often as expected");
    }
  }

  void result(bool success, const doctest::TestCaseData& test_case, const std::string& directive) {
    out_ << (success ? "ok " : "not ok ") << ++number_ << " - ";
    if (test_case.m_test_suite != nullptr && *test_case.m_test_suite != '\0') {
      out_ << one_line(test_case.m_test_suite) << ": ";
    }
    out_ << one_line(test_case.m_name) << directive << std::endl;
  }

#if defined(__SANITIZE_ADDRESS__)
  // Called by the sanitizer after its report, just before the process ends.
  void died() {
    if (test_case_ != nullptr) {
      comment("the sanitizer ended this test case; its report is on standard error");
      result(false, *test_case_, "");
    }
  }

  static inline TapReporter* running_ = nullptr;
#endif

  std::ostream& out_;
  unsigned number_ = 0;
  const doctest::TestCaseData* test_case_ = nullptr;
  std::vector<std::string> subcases_;
};

}  // namespace

REGISTER_REPORTER("tap", 1, TapReporter);

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const std::vector<std::string_view> arguments(argv, argv + argc);
  const bool reporter_chosen = std::any_of(arguments.begin(), arguments.end(), [](std::string_view argument) {
    return argument.starts_with("-r=") || argument.starts_with("--r=") || argument.find("-reporters=") < 2;
  });
  if (!reporter_chosen) {
    context.setOption("reporters", "tap");
    context.setOption("no-intro", true);
  }
  return context.run();
}
