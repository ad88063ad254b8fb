/* Built into the program, into a library, and with and without frame pointers. */
#include "victim.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEPT __attribute__((noinline, noclone))

static volatile int zero;
static void *volatile nothing;
static volatile uintptr_t nowhere = 0x1234567;

/* Deeper than any stack. */
KEPT static int victim_deep(int depth) {
  volatile char room[2048];
  room[depth % 2048] = (char)depth;
  return victim_deep(depth + 1) + room[0];
}

/* What lies behind a block belongs to the allocator. */
static void spoil_heap(void) {
  char *blocks[32];
  for (int i = 0; i < 32; i++) {
    blocks[i] = malloc(40 + (size_t)i * 16);
  }
  for (int i = 0; i < 32; i += 2) {
    free(blocks[i]);
  }
  for (int i = 1; i < 32; i += 2) {
    volatile char *past = blocks[i];
    for (int byte = -16; byte < 80 + i * 16; byte++) {
      past[byte] = (char)0xEE;
    }
  }
}

/* As a sandbox does it that wants to hear of a system call. */
static void forbid(unsigned call) {
  struct sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    _exit(1);
  }
}

static volatile char *behind_the_end(void) {
  int file = memfd_create("empty", 0);
  return mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
}

KEPT static int victim_inner(enum way way) {
  switch (way) {
  case NULL_WRITE:
    *(volatile int *)nothing = 1;
    break;
  case NULL_CALL:
    ((void (*)(void))nothing)();
    break;
  case WILD_JUMP:
    ((void (*)(void))nowhere)();
    break;
  case OVERFLOW:
    return victim_deep(1) + zero;
  case ABORT:
    abort();
  case DOUBLE_FREE: {
    void *volatile block = malloc(2000);
    void *volatile barrier = malloc(2000);
    free(block);
    free(block);
    free(barrier);
    break;
  }
  case IN_MALLOC:
    spoil_heap();
    for (int i = 0; i < 100000; i++) {
      void *volatile block = malloc((size_t)(i % 4000));
      void *volatile other = malloc(100000);
      free(other);
      (void)block;
    }
    break;
  case CORRUPTED_HEAP:
    spoil_heap();
    *(volatile int *)nothing = 1;
    break;
  case DIVISION:
    return 7 / zero;
  case ILLEGAL:
    __builtin_trap();
  case RAISE:
    raise(SIGSEGV);
    break;
  case TRAP:
#ifdef __x86_64__
    __asm__ volatile("int3");
#else
    __asm__ volatile("brk #0");
#endif
    break;
  case FORBIDDEN:
    forbid(SYS_getppid);
    return (int)syscall(SYS_getppid) + zero;
  case BUS:
    return *behind_the_end() + zero;
  }
  return zero + 1;
}

KEPT static int victim_middle(enum way way) {
  volatile char room[100] = {0};
  return victim_inner(way) + room[50] + zero;
}

int victim_outer(enum way way) {
  volatile int before = zero;
  return victim_middle(way) + before;
}
