// Linux calls that the load generator needs and Swift's Glibc module lacks.
#include <sys/epoll.h>
#include <sys/prctl.h>

// prctl is variadic, which Swift does not import.
static inline int kassa_set_timer_slack(unsigned long nanoseconds) {
  return prctl(PR_SET_TIMERSLACK, nanoseconds, 0, 0, 0);
}
