/* System calls that this thread makes, seen by seccomp: futex calls are counted and done, those of
 * a list are done, and any other call ends the program with its number. Other threads are not
 * affected. Linux on x86-64 and 64-bit ARM. */
#ifndef TRAP_H
#define TRAP_H

#include "check.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#if defined(__x86_64__)
#define TRAP_ARCH AUDIT_ARCH_X86_64
#define TRAP_ARGUMENT(context, i) \
  ((context)->uc_mcontext.gregs[(int[]){REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8}[i]])
#define TRAP_RESULT(context) ((context)->uc_mcontext.gregs[REG_RAX])
#elif defined(__aarch64__)
#define TRAP_ARCH AUDIT_ARCH_AARCH64
#define TRAP_ARGUMENT(context, i) ((context)->uc_mcontext.regs[i])
#define TRAP_RESULT(context) ((context)->uc_mcontext.regs[0])
#endif

static volatile sig_atomic_t trapped_futexes;

#ifdef TRAP_ARCH

/* The sixth argument of the handler's own calls, by which the filter lets them pass. A futex call
 * to wait or to wake does not look at it. */
#define TRAP_PASS 0x70685f74u

static void on_sigsys(int signal, siginfo_t *info, void *opaque) {
  (void)signal;
  ucontext_t *context = opaque;
  if (info->si_syscall != SYS_futex) {
    char line[] = "system call ????? on a thread that should make none\n";
    int number = info->si_syscall;
    for (int i = 16; i > 11; i--, number /= 10) {
      line[i] = (char)('0' + number % 10);
    }
    syscall(SYS_write, 2, line, sizeof line - 1, 0, 0, TRAP_PASS);
    _exit(1);
  }
  trapped_futexes++;
  int saved = errno;
  long result = syscall(SYS_futex, TRAP_ARGUMENT(context, 0), TRAP_ARGUMENT(context, 1),
                        TRAP_ARGUMENT(context, 2), TRAP_ARGUMENT(context, 3),
                        TRAP_ARGUMENT(context, 4), TRAP_PASS);
  TRAP_RESULT(context) = result == -1 ? -errno : result;
  errno = saved;
}

/* Once for the process, before any thread traps itself: installing is a system call too. */
static void trap_prepare(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_sigsys;
  action.sa_flags = SA_SIGINFO;
  CHECK(sigaction(SIGSYS, &action, NULL) == 0);
}

/* Returns `verdict` when what was loaded last is `value`. */
#define TRAP_CASE(value, verdict)                           \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, 1),       \
      BPF_STMT(BPF_RET | BPF_K, (verdict))
#define TRAP_LOAD(field) \
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))

/* From here on this thread is watched, and may make the calls of that list besides futex. False
 * where the system does not allow watching. */
static bool trap_this_thread(const int *calls, size_t count) {
  enum { COUNT_MAX = 16 };
  CHECK(count <= COUNT_MAX);
  const struct sock_filter head[] = {
      TRAP_LOAD(arch),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TRAP_ARCH, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      /* The low half: both machines are little-endian. */
      TRAP_LOAD(args[5]),
      TRAP_CASE(TRAP_PASS, SECCOMP_RET_ALLOW),
      TRAP_LOAD(nr),
      TRAP_CASE(SYS_rt_sigreturn, SECCOMP_RET_ALLOW),
      TRAP_CASE(SYS_exit_group, SECCOMP_RET_ALLOW),
  };
  struct sock_filter filter[sizeof head / sizeof *head + 2 * COUNT_MAX + 1];
  memcpy(filter, head, sizeof head);
  size_t length = sizeof head / sizeof *head;
  for (size_t i = 0; i < count; i++) {
    const struct sock_filter allowed[] = {TRAP_CASE((unsigned)calls[i], SECCOMP_RET_ALLOW)};
    memcpy(filter + length, allowed, sizeof allowed);
    length += 2;
  }
  const struct sock_filter otherwise[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)};
  memcpy(filter + length, otherwise, sizeof otherwise);
  struct sock_fprog program = {(unsigned short)(length + 1), filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Where a watched thread stays when it is done: it could not even end without a system call. */
static void trap_wait_for_ever(void) {
  int word = 0;
  for (;;) {
    syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, NULL, 0, TRAP_PASS);
  }
}

#else

static void trap_prepare(void) {}
static bool trap_this_thread(const int *calls, size_t count) {
  (void)calls;
  (void)count;
  return false;
}
static void trap_wait_for_ever(void) {
  for (;;) {
    pause();
  }
}

#endif
#endif
