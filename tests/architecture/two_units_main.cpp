// SPDX-License-Identifier: BSL-1.0
// Two translation units include every public header: they link, and there is one of everything (ODR).
#include <system_error>

const std::error_category& first_unit();
const std::error_category& second_unit();

int main() { return &first_unit() == &second_unit() ? 0 : 1; }
