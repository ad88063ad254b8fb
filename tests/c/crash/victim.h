/* Ways to die. Each goes through victim_outer, victim_middle and victim_inner. */
#ifndef VICTIM_H
#define VICTIM_H

enum way {
  NULL_WRITE,
  NULL_CALL,
  WILD_JUMP,
  OVERFLOW,
  ABORT,
  DOUBLE_FREE,
  IN_MALLOC,
  CORRUPTED_HEAP,
  DIVISION,
  ILLEGAL,
  RAISE,
  TRAP,
  FORBIDDEN,
  BUS,
};

__attribute__((visibility("default"))) int victim_outer(enum way way);

#endif
