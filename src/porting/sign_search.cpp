#include "porting/sign_search.hpp"

#include <random>

namespace fsrcnn {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int kStarts = 12;  // with the signs of `likely`, all above 0, all below 0, and of disturbed ones
constexpr int kTurns = 60;

}  // namespace

std::optional<VectorXd> search_signs(const MatrixXd& a, const VectorXd& found, double slope, const VectorXd& likely,
                                     double tolerance) {
  MatrixXd gram = a.transpose() * a;
  gram.diagonal().array() += 1e-13 * gram.trace() / static_cast<double>(a.cols());
  const Eigen::LDLT<MatrixXd> solver(gram);
  std::mt19937 generator(1);
  std::normal_distribution<double> noise;
  for (int start = 0; start < kStarts; ++start) {
    VectorXd sums = start == 1 ? VectorXd::Ones(a.rows()) : VectorXd(-VectorXd::Ones(a.rows()));
    if (start == 0) sums = a * likely;
    if (start > 2) {
      sums = a * (likely + likely.cwiseProduct(VectorXd::NullaryExpr(a.cols(), [&] { return noise(generator); })));
    }
    Eigen::Array<bool, Eigen::Dynamic, 1> above = sums.array() > 0;
    for (int turn = 0; turn < kTurns; ++turn) {
      const VectorXd b = above.select(found.array(), found.array() / slope);
      VectorXd x = solver.solve(a.transpose() * b);
      x += solver.solve(a.transpose() * (b - a * x));
      sums = a * x;
      // The value that lies nearer, not the sign of the sum: near 0 they are the same.
      const Eigen::Array<bool, Eigen::Dynamic, 1> now =
          (sums - found).array().abs() < (sums - found / slope).array().abs();
      if ((now == above).all()) {
        if ((b - sums).cwiseAbs().maxCoeff() <= tolerance) return x;
        break;
      }
      above = now;
    }
  }
  return std::nullopt;
}

}  // namespace fsrcnn
