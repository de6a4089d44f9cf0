// Runs a fuzz target (LLVMFuzzerTestOneInput, as libFuzzer calls it) without libFuzzer, which GCC does not
// have:
//
//   fuzz_NAME [--seconds N] [--seed S] [FILE | FOLDER]…
//
// First every file of the corpus is given to the target, then, for N seconds (1), inputs mutated from them.
// It reports as TAP. When the target dies, the input is written to crash-NAME in the current directory and
// the seed is told; such a file becomes part of the corpus (tests/fuzz/corpus/NAME), so that it is never
// forgotten.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

#if defined(__SANITIZE_ADDRESS__)
extern "C" void __sanitizer_set_death_callback(void (*callback)());
#endif

namespace {

using Input = std::vector<std::uint8_t>;

constexpr std::size_t kInputMax = 70000;  // a little more than the largest packet
constexpr std::size_t kMutationsMax = 8;

// What the target is at, for the handlers of its death, which can be given nothing else.
struct Running {
  std::string crash_file;
  Input input;
  std::uint64_t seed = 0;
};
Running& running() {
  static Running instance;
  return instance;
}

void save_crash() {
  const Running& now = running();
  const int fd = ::open(now.crash_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd == -1) return;
  if (::write(fd, now.input.data(), now.input.size()) == -1) return;
  ::close(fd);
  std::fprintf(stdout, "# seed %llu; the input is in %s\n", static_cast<unsigned long long>(now.seed),
               now.crash_file.c_str());
  std::fflush(stdout);
}

void die(int signal) {
  save_crash();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void watch_for_death() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_set_death_callback(save_crash);
  std::signal(SIGABRT, die);
#else
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE}) std::signal(signal, die);
#endif
}

void run(Input input) {
  running().input = std::move(input);
  // A copy of exactly that size, so that the sanitizer sees each byte that is read behind the end.
  const std::vector<std::uint8_t> exact(running().input);
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

class Mutator {
 public:
  Mutator(std::uint64_t seed, std::vector<Input> corpus) : random_(seed), corpus_(std::move(corpus)) {}

  Input next() {
    Input input = corpus_[below(corpus_.size())];
    const std::size_t mutations = 1 + below(kMutationsMax);
    for (std::size_t i = 0; i < mutations; ++i) mutate(input);
    if (input.size() > kInputMax) input.resize(kInputMax);
    return input;
  }

 private:
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }
  std::ptrdiff_t place(const Input& input) { return static_cast<std::ptrdiff_t>(below(input.size() + 1)); }

  // Where formats have their edges: none, one, the most that fits, the sign, a NUL, a digit, a line's end.
  std::uint8_t edge() {
    constexpr std::array<std::uint8_t, 14> kEdges = {0,   1,   2,   0x7f, 0x80, 0xfe, 0xff,
                                                     '0', '9', '=', '\n', '"',  '{',  '\\'};
    return kEdges[below(kEdges.size())];
  }

  void mutate(Input& input) {
    switch (below(8)) {
      case 0: return flip_bit(input);
      case 1: return overwrite(input, 1);
      case 2: return overwrite(input, std::size_t{1} << below(4));
      case 3: return insert(input);
      case 4: return erase(input);
      case 5: return repeat(input);
      case 6: return splice(input);
      default: input.resize(below(input.size() + 1));
    }
  }

  void flip_bit(Input& input) {
    if (!input.empty()) input[below(input.size())] ^= static_cast<std::uint8_t>(1U << below(8));
  }
  void overwrite(Input& input, std::size_t count) {
    const std::size_t at = below(input.size());
    const std::uint8_t value = below(2) == 0 ? edge() : static_cast<std::uint8_t>(below(256));
    for (std::size_t i = at; i < std::min(input.size(), at + count); ++i) input[i] = value;
  }
  void insert(Input& input) { input.insert(input.begin() + place(input), 1 + below(16), edge()); }
  void erase(Input& input) {
    const std::ptrdiff_t at = place(input);
    const auto count = static_cast<std::ptrdiff_t>(below(32));
    const auto end = std::min(at + count, static_cast<std::ptrdiff_t>(input.size()));
    input.erase(input.begin() + at, input.begin() + end);
  }
  void repeat(Input& input) {
    if (input.empty()) return;
    const std::size_t at = below(input.size());
    const std::size_t count = std::min(input.size() - at, 1 + below(256));
    const Input part(input.begin() + static_cast<std::ptrdiff_t>(at),
                     input.begin() + static_cast<std::ptrdiff_t>(at + count));
    const std::size_t times = 1 + below(4);
    for (std::size_t i = 0; i < times; ++i)
      input.insert(input.begin() + place(input), part.begin(), part.end());
  }
  void splice(Input& input) {
    const Input& other = corpus_[below(corpus_.size())];
    input.resize(below(input.size() + 1));
    input.insert(input.end(), other.begin() + place(other), other.end());
  }

  std::mt19937_64 random_;
  std::vector<Input> corpus_;
};

struct Options {
  double seconds = 1;
  std::uint64_t seed = std::random_device{}();
  std::vector<std::filesystem::path> paths;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--seconds" && i + 1 < argc) {
      options.seconds = std::stod(argv[++i]);
    } else if (word == "--seed" && i + 1 < argc) {
      options.seed = std::stoull(argv[++i]);
    } else {
      options.paths.emplace_back(word);
    }
  }
  return options;
}

void add_file(std::vector<Input>& corpus, const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

// In the order of their names, so that a seed draws the same everywhere.
std::vector<Input> read_corpus(const std::vector<std::filesystem::path>& paths) {
  std::vector<Input> corpus;
  for (const auto& path : paths) {
    if (!std::filesystem::is_directory(path)) {
      add_file(corpus, path);
      continue;
    }
    std::vector<std::filesystem::path> files(std::filesystem::directory_iterator{path}, {});
    std::sort(files.begin(), files.end());
    for (const auto& file : files) add_file(corpus, file);
  }
  return corpus;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  std::vector<Input> corpus = read_corpus(options.paths);
  running().crash_file = "crash-" + std::filesystem::path(argv[0]).filename().string();
  running().seed = options.seed;
  watch_for_death();
  for (const Input& input : corpus) run(input);
  std::printf("ok 1 - %zu inputs of the corpus\n", corpus.size());

  if (corpus.empty()) corpus.emplace_back();
  Mutator mutator{options.seed, std::move(corpus)};
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(options.seconds);
  std::uint64_t runs = 0;
  while (std::chrono::steady_clock::now() < end) {
    run(mutator.next());
    ++runs;
  }
  std::printf("# seed %llu\nok 2 - %llu mutated inputs\n1..2\n",
              static_cast<unsigned long long>(options.seed), static_cast<unsigned long long>(runs));
  return 0;
}
