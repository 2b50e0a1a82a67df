#include "cli/fixed_point_option.hpp"

#include <map>
#include <vector>

namespace fsrcnn::cli {

void FixedPointOption::add_to(CLI::App& command) {
  const auto choice = [&](const char* name, std::string& value, const char* what, const std::vector<std::string>& of) {
    command.add_option(name, value, what)
        ->check(CLI::IsMember(of).description(""))
        ->type_name("NAME")
        ->capture_default_str();
  };
  choice("--rounding", rounding, "Rounding of fixed point: half-up, half-even, down (drops bits), zero",
         {"half-up", "half-even", "down", "zero"});
  choice("--overflow", overflow, "Overflow of fixed point: saturate, wrap", {"saturate", "wrap"});
}

void FixedPointOption::apply_to(FixedPoint& type) const {
  const std::map<std::string, Rounding> roundings = {{"half-up", Rounding::half_up},
                                                     {"half-even", Rounding::half_even},
                                                     {"down", Rounding::down},
                                                     {"zero", Rounding::toward_zero}};
  type.rounding = roundings.at(rounding);
  type.overflow = overflow == "wrap" ? Overflow::wrap : Overflow::saturate;
}

}  // namespace fsrcnn::cli
