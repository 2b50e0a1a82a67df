#include "cli/manual.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.hpp"

namespace fsrcnn::cli {
namespace {

std::vector<const CLI::App*> subcommands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) { return !command->get_name().empty(); });
}

std::vector<const CLI::Option*> options_of(const CLI::App& app, bool positional) {
  return app.get_options([=](const CLI::Option* option) {
    return option->get_positional() == positional && !option->get_group().empty();
  });
}

/// "-o", "--output"
std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back(fmt::format("-{}", name));
  for (const std::string& name : option.get_lnames()) names.push_back(fmt::format("--{}", name));
  return names;
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

/// The words of "fast|exact"; none if the type is a placeholder like FILE, N or 1...8.
std::vector<std::string> words_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (type.find('|') == std::string::npos) return {};
  std::vector<std::string> words(1);
  for (const char c : type) {
    if (std::isupper(static_cast<unsigned char>(c)) != 0) return {};
    if (c == '|') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

bool takes_file(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return type.find("FILE") != std::string::npos || type.find("DIR") != std::string::npos;
}

// ---- troff ---------------------------------------------------------------------------------------------------------

std::string troff(const std::string& text) {
  std::string result;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) result += "\\&";
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else {
      result += c;
    }
    line_begins = c == '\n';
  }
  return result;
}

std::string troff_options(const CLI::App& app) {
  std::string text;
  for (const bool positional : {true, false}) {
    for (const CLI::Option* option : options_of(app, positional)) {
      std::string term;
      if (positional) {
        term = fmt::format("\\fI{}\\fR", troff(option->get_name(true)));
      } else {
        for (const std::string& name : names_of(*option)) {
          term += fmt::format("{}\\fB{}\\fR", term.empty() ? "" : ", ", troff(name));
        }
        if (takes_value(*option)) term += fmt::format(" \\fI{}\\fR", troff(option->get_type_name()));
      }
      text += fmt::format(".TP\n{}\n{}\n", term, troff(option->get_description()));
    }
  }
  return text;
}

// ---- shells --------------------------------------------------------------------------------------------------------

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

std::string bash(const CLI::App& app) {
  std::vector<std::string> names;
  std::string cases;
  for (const CLI::App* command : subcommands_of(app)) {
    names.push_back(command->get_name());
    std::vector<std::string> all;
    std::string values;
    for (const CLI::Option* option : options_of(*command, false)) {
      const std::vector<std::string> own = names_of(*option);
      all.insert(all.end(), own.begin(), own.end());
      if (!takes_value(*option)) continue;
      const std::vector<std::string> words = words_of(*option);
      const std::string reply = !words.empty() ? fmt::format("$(compgen -W '{}' -- \"$word\")", fmt::join(words, " "))
                                : takes_file(*option) ? std::string("$(compgen -f -- \"$word\")")
                                                      : std::string();
      values += fmt::format("        {}) COMPREPLY=({}); return ;;\n", fmt::join(own, "|"), reply);
    }
    cases += fmt::format("    {})\n      case $before in\n{}      esac\n      options='{}'\n      ;;\n",
                         command->get_name(), values, fmt::join(all, " "));
  }
  return fmt::format(R"(# bash completion for {0}
_{0}() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} options=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '{1} --help --version' -- "$word"))
    return
  fi
  case ${{COMP_WORDS[1]}} in
{2}  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}}
complete -o filenames -F _{0} {0}
)",
                     app.get_name(), fmt::join(names, " "), cases);
}

/// Brackets and colons mean something to _arguments.
std::string zsh_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string zsh(const CLI::App& app) {
  std::string commands, cases;
  for (const CLI::App* command : subcommands_of(app)) {
    commands += fmt::format("    {}\n", quoted(command->get_name() + ":" + zsh_text(command->get_description())));
    std::string arguments;
    for (const CLI::Option* option : options_of(*command, false)) {
      const std::vector<std::string> names = names_of(*option), words = words_of(*option);
      std::string value;
      if (takes_value(*option)) {
        value = fmt::format(":{}:", zsh_text(option->get_type_name()));
        if (!words.empty()) value += fmt::format("({})", fmt::join(words, " "));
        if (words.empty() && takes_file(*option)) value += "_files";
      }
      for (const std::string& name : names) {
        const std::string specification =
            fmt::format("({}){}[{}]{}", fmt::join(names, " "), name, zsh_text(option->get_description()), value);
        arguments += fmt::format(" \\\n        {}", quoted(specification));
      }
    }
    cases += fmt::format("    {})\n      _arguments{} \\\n        '*:file:_files'\n      ;;\n", command->get_name(),
                         arguments);
  }
  return fmt::format(R"(#compdef {0}
_{0}() {{
  local -a commands
  commands=(
{1}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
{2}  esac
}}
_{0} "$@"
)",
                     app.get_name(), commands, cases);
}

std::string fish(const CLI::App& app) {
  const std::string program = app.get_name();
  std::string text = fmt::format("# fish completion for {}\n", program);
  for (const CLI::App* command : subcommands_of(app)) {
    text += fmt::format("complete -c {} -n __fish_use_subcommand -f -a {} -d {}\n", program, command->get_name(),
                        quoted(command->get_description()));
  }
  for (const CLI::App* command : subcommands_of(app)) {
    for (const CLI::Option* option : options_of(*command, false)) {
      text += fmt::format("complete -c {} -n '__fish_seen_subcommand_from {}'", program, command->get_name());
      for (const std::string& name : option->get_snames()) text += " -s " + name;
      for (const std::string& name : option->get_lnames()) text += " -l " + name;
      const std::vector<std::string> words = words_of(*option);
      if (!words.empty()) text += fmt::format(" -x -a '{}'", fmt::join(words, " "));
      if (words.empty() && takes_value(*option)) text += takes_file(*option) ? " -r -F" : " -x";
      text += fmt::format(" -d {}\n", quoted(option->get_description()));
    }
  }
  return text;
}

}  // namespace

std::string man_page(const CLI::App& app, const std::string& version) {
  const std::string name = app.get_name();
  std::string title = name;
  std::transform(title.begin(), title.end(), title.begin(), [](unsigned char c) { return std::toupper(c); });
  const std::string about = app.get_description();
  std::string page =
      fmt::format(".TH {} 1 \"\" \"{} {}\"\n.SH NAME\n{} \\- FSRCNN super\\-resolution\n", title, name, version, name);
  page += fmt::format(".SH SYNOPSIS\n.B {}\n.I COMMAND\n[\\fIOPTION\\fR]...\n.SH DESCRIPTION\n{}\n.SH COMMANDS\n", name,
                      troff(about));
  for (const CLI::App* command : subcommands_of(app)) {
    page += fmt::format(".SS {} {}\n{}.\n{}", name, troff(command->get_name()), troff(command->get_description()),
                        troff_options(*command));
  }
  return page;
}

std::string completion_script(const CLI::App& app, const std::string& shell) {
  if (shell == "bash") return bash(app);
  if (shell == "zsh") return zsh(app);
  if (shell == "fish") return fish(app);
  fail(ErrorCode::usage, "unsupported shell '{}'; supported: bash, zsh, fish", shell);
}

}  // namespace fsrcnn::cli
