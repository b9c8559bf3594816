/* SPDX-License-Identifier: Apache-2.0 */
/* The signals that end a program are blocked in all its threads but one, which
 * waits for them. So what is to be done then runs in an ordinary thread, may
 * lock and allocate, and library code needs to know nothing of signals. What
 * programs the compiler starts get the usual mask and handlers from it.
 *
 * The thread ends the process by the same signal, so that who waits for it sees
 * what he would have seen.
 */
#include "cli/interrupt.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "adze/adze.h"
#include "base/file.h"

static sigset_t watched;

/* Whoever forks must not find the thread in the middle of being started, where
 * it may hold a lock that the child then waits for without end. */
static sem_t started;

static void *wait_for_signal(void *nothing) {
  sem_post(&started);
  int number;
  (void)nothing;
  if (sigwait(&watched, &number) != 0)
    return NULL;
  /* The command is about to fail, for lack of its files; it shall not say so.
   * Where it is saying something that nobody reads, it stays there. */
  (void)ftrylockfile(stderr);
  adze_end_temporary_folders();
  folder_end_temporary(); /* the program's own */
  kill(getpid(), number);
  pthread_sigmask(SIG_UNBLOCK, &watched, NULL);
  return NULL;
}

void interrupt_watch(void) {
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  sigemptyset(&watched);
  for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
    struct sigaction action;
    if (sigaction(numbers[i], NULL, &action) == 0 &&
        action.sa_handler == SIG_DFL)
      sigaddset(&watched, numbers[i]);
  }
  pthread_t thread;
  pthread_sigmask(SIG_BLOCK, &watched, NULL);
  if (sem_init(&started, 0, 0) == 0 &&
      pthread_create(&thread, NULL, wait_for_signal, NULL) == 0) {
    pthread_detach(thread);
    while (sem_wait(&started) != 0)
      continue; /* interrupted by a signal with a handler */
  } else {      /* then as it is without */
    pthread_sigmask(SIG_UNBLOCK, &watched, NULL);
  }
}

void interrupt_as_child(void) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  pthread_sigmask(SIG_UNBLOCK, &watched, NULL);
}
