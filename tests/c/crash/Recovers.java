/**
 * A virtual machine that makes exceptions of signals, with the crash handler installed.
 *
 * <p>java Recovers.java LIBRARY recovers|dies; the library is jvm.c.
 */
public class Recovers {
  static native void begin();

  static native void end();

  static native void die();

  static volatile int zero;

  static int length(int[] numbers) {
    return numbers.length;
  }

  static int deep(int depth) {
    return deep(depth + 1) + 1;
  }

  public static void main(String[] arguments) {
    System.load(arguments[0]);
    begin();
    int pointers = 0, divisions = 0, overflows = 0;
    int[] some = new int[1];
    // Often enough to be compiled, after which the processor finds the null.
    for (int i = 0; i < 200_000; i++) {
      try {
        length(i % 1000 == 999 ? null : some);
      } catch (NullPointerException expected) {
        pointers++;
      }
      try {
        zero = (i + 1) / (i % 1000 == 999 ? zero : 1) * 0;
      } catch (ArithmeticException expected) {
        divisions++;
      }
    }
    for (int i = 0; i < 3; i++) {
      try {
        deep(0);
      } catch (StackOverflowError expected) {
        overflows++;
      }
    }
    System.out.println("recovered " + pointers + " " + divisions + " " + overflows);
    if (arguments[1].equals("dies")) {
      die();
    }
    end();
  }
}
