#include "config/yaml_reader.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "config/syntax_error.hpp"
#include "config/text.hpp"
#include "config/utf8.hpp"

namespace liveswap::config {

namespace {

// Thrown through yaml-cpp's parser, which has no other way to be stopped. Never leaves this file.
struct Refused {
  std::size_t offset;
  std::string message;
};

struct Weight {
  std::size_t nodes = 1, text_bytes = 0, depth = 1;
};

Weight weigh(const Node& node) {
  Weight total{.nodes = 1, .text_bytes = node.text.size(), .depth = 1};
  auto add = [&total](const Node& child, std::size_t key_bytes) {
    auto weight = weigh(child);
    total.nodes += weight.nodes;
    total.text_bytes += weight.text_bytes + key_bytes;
    total.depth = std::max(total.depth, weight.depth + 1);
  };
  for (const auto& item : node.items) add(item, 0);
  for (const auto& entry : node.entries) add(entry.value, entry.key.size());
  return total;
}

// Builds the tree from yaml-cpp's events.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const Source& source, Findings& findings) : source_(source), findings_(findings) {}

  std::optional<Node> take_root() { return std::move(root_); }
  // Where the innermost list or map begins that is still open; for messages about unclosed ones.
  std::optional<std::size_t> innermost_open() const {
    return open_.empty() ? std::nullopt : std::optional(open_.back().node.offset);
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) throw Refused{offset_of(mark), "a second document begins here: a file holds one"};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto offset = value_start(source_.text(), offset_of(mark));
    Node node{
        .kind = NodeKind::null, .offset = offset, .text = std::string(null_word(source_.text(), offset))};
    if (node.text.empty()) node.offset = place_of_nothing(offset);
    finish(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto known = anchors_.find(anchor);
    if (known == anchors_.end())
      throw Refused{offset_of(mark), "an alias cannot stand inside what it repeats"};
    if (open_.size() + weigh(known->second).depth > kDepthMax) refuse_depth(offset_of(mark));
    charge(weigh(known->second), offset_of(mark));
    place(known->second);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    auto offset = value_start(source_.text(), offset_of(mark));
    bool is_quoted = tag != "?";
    if (is_quoted && !quote_is_closed(source_.text(), offset))
      throw Refused{offset, "this quote is not closed"};
    // By the escape "\0": no path, word or variable could hold it.
    if (value.find('\0') != std::string::npos) throw Refused{offset, "a NUL character"};
    finish({.kind = NodeKind::scalar, .offset = offset, .text = value, .quoted = is_quoted}, anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(NodeKind::list, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(NodeKind::map, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor;
    std::optional<Entry> key = std::nullopt;          // map: waits for its value
    std::map<std::string, std::size_t> offsets = {};  // map: of the keys so far
  };

  static std::size_t offset_of(const YAML::Mark& mark) {
    return mark.pos < 0 ? 0 : static_cast<std::size_t>(mark.pos);
  }

  [[noreturn]] static void refuse_depth(std::size_t offset) {
    throw Refused{offset, fmt::format("nested more than {} levels deep", kDepthMax)};
  }

  [[noreturn]] void refuse_key(std::size_t offset) const {
    std::optional<std::size_t> bracket;
    for (const auto& open : open_) {
      auto first = source_.text().substr(open.node.offset, 1);
      if (!bracket && (first == "[" || first == "{")) bracket = open.node.offset;
    }
    auto explained = explain_key(source_.text(), offset, bracket);
    throw Refused{explained.offset, explained.message};
  }

  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!" || tag == "tag:yaml.org,2002:str") return;
    throw Refused{offset_of(mark), "tags are not supported: " + quoted(tag)};
  }

  void charge(const Weight& weight, std::size_t offset) {
    nodes_ += weight.nodes;
    text_bytes_ += weight.text_bytes;
    if (nodes_ > kNodesMax)
      throw Refused{offset, fmt::format("more than {} values, aliases counted", kNodesMax)};
    if (text_bytes_ > kTextBytesMax) {
      throw Refused{offset, fmt::format("more than {} bytes of values, aliases counted", kTextBytesMax)};
    }
  }

  // yaml-cpp places a value that is not there at the next token, maybe lines below: the key or dash is a
  // better place.
  std::size_t place_of_nothing(std::size_t offset) const {
    if (!open_.empty() && open_.back().key) return open_.back().key->key_offset;
    auto before = source_.text().substr(0, offset).find_last_not_of(" \t\r\n");
    return before != std::string_view::npos && source_.text()[before] == '-' ? before : offset;
  }

  void open(NodeKind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_tag(mark, tag);
    if (open_.size() >= kDepthMax) refuse_depth(offset_of(mark));
    auto offset = value_start(source_.text(), offset_of(mark));
    if (!open_.empty() && open_.back().node.kind == NodeKind::map && !open_.back().key) refuse_key(offset);
    charge({}, offset);
    open_.push_back({.node = {.kind = kind, .offset = offset}, .anchor = anchor});
  }

  void close() {
    auto closed = std::move(open_.back());
    open_.pop_back();
    remember(closed.node, closed.anchor);
    place(std::move(closed.node));
  }

  void finish(Node node, YAML::anchor_t anchor) {
    charge({.nodes = 1, .text_bytes = node.text.size()}, node.offset);
    remember(node, anchor);
    place(std::move(node));
  }

  void remember(const Node& node, YAML::anchor_t anchor) {
    if (anchor == YAML::NullAnchor) return;
    charge(weigh(node), node.offset);
    anchors_[anchor] = node;
  }

  void place(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    auto& parent = open_.back();
    if (parent.node.kind == NodeKind::list) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.key) {
      if (node.kind == NodeKind::list || node.kind == NodeKind::map) refuse_key(node.offset);  // an alias
      parent.key = Entry{std::move(node.text), node.offset, {}};
    } else {
      parent.key->value = std::move(node);
      add_entry(parent);
    }
  }

  void add_entry(Open& parent) {
    auto entry = std::move(*parent.key);
    parent.key.reset();
    if (entry.key == "<<") {
      findings_.error(entry.key_offset,
                      "merge keys (<<) are not supported: write the keys out, or repeat a whole value "
                      "by an alias (*name)");
    } else if (entry.key.empty()) {
      findings_.error(entry.key_offset, "a key is missing");
    } else if (auto [at, is_new] = parent.offsets.emplace(entry.key, entry.key_offset); !is_new) {
      findings_.error(entry.key_offset, fmt::format("duplicate key {}: it stands in line {} already",
                                                    quoted(entry.key), source_.position(at->second).line));
    } else {
      parent.node.entries.push_back(std::move(entry));
    }
  }

  const Source& source_;
  Findings& findings_;
  std::optional<Node> root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::size_t nodes_ = 0, text_bytes_ = 0;
  int documents_ = 0;
};

// What no YAML may hold, and what yaml-cpp takes for its own end-of-input mark or reads as another encoding.
bool has_forbidden_bytes(const Source& source, Findings& findings) {
  auto text = source.text();
  if (text.size() > kFileBytesMax) {
    findings.error(0, fmt::format("larger than {} bytes", kFileBytesMax));
    return true;
  }
  if (auto invalid = find_invalid_utf8(text)) {
    findings.error(*invalid, "not valid UTF-8");
    return true;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    bool allowed = (byte >= 0x20 && byte != 0x7F) || byte == '\t' || byte == '\n' ||
                   (byte == '\r' && text.substr(i + 1).starts_with('\n'));
    if (allowed) continue;
    findings.error(i, fmt::format("control character 0x{:02x}", byte));
    return true;
  }
  return false;
}

}  // namespace

std::optional<Node> read_yaml(const Source& source, Findings& findings) {
  if (has_forbidden_bytes(source, findings)) return std::nullopt;
  TreeBuilder builder(source, findings);
  try {
    std::istringstream stream{std::string(source.text())};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {}
  } catch (const Refused& refused) {
    findings.error(refused.offset, refused.message);
    return std::nullopt;
  } catch (const YAML::Exception& exception) {
    auto offset = exception.mark.pos < 0 ? 0 : static_cast<std::size_t>(exception.mark.pos);
    auto error = explain_syntax_error(source, {offset, exception.msg, builder.innermost_open()});
    findings.error(error.offset, error.message);
    return std::nullopt;
  }
  auto root = builder.take_root();
  if (!root) findings.error(0, "the file is empty: an app to run is needed (liveswap.yaml(5))");
  return root;
}

}  // namespace liveswap::config
