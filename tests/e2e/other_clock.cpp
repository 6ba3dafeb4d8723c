// SPDX-License-Identifier: BSL-1.0
// A clock that is wrong, for a tool that is run with this (LD_PRELOAD): by AJAR_CLOCK_WRONG_BY seconds. It asks the
// kernel itself: a sanitizer looks at the clock before anything of C++ is ready.
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>
#include <cstdlib>
#include <ctime>

extern "C" {

int clock_gettime(clockid_t which, timespec* into) {
  const auto failed = static_cast<int>(::syscall(SYS_clock_gettime, which, into));
  const char* const wrong_by = std::getenv("AJAR_CLOCK_WRONG_BY");
  if (failed == 0 && which == CLOCK_REALTIME && wrong_by) into->tv_sec += std::atoll(wrong_by);
  return failed;
}

std::time_t time(std::time_t* into) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (into) *into = now.tv_sec;
  return now.tv_sec;
}

int gettimeofday(timeval* into, void*) {
  timespec now{};
  const int failed = clock_gettime(CLOCK_REALTIME, &now);
  *into = {now.tv_sec, now.tv_nsec / 1000};
  return failed;
}

}  // extern "C"
