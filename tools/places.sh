# Where install puts things and uninstall finds them. Sourced after common.sh.

PREFIX=${PREFIX:-/usr/local}
LIBDIR=${LIBDIR:-$PREFIX/lib}
INCLUDEDIR=${INCLUDEDIR:-$PREFIX/include}
DESTDIR=${DESTDIR:-}

case $PREFIX in
  /*) ;;
  *) die "PREFIX has to be an absolute path: $PREFIX" ;;
esac
# The files for pkg-config and CMake name these relative to PREFIX, so that the tree can be moved.
case $LIBDIR in
  "$PREFIX"/*) LIBDIR_IN_PREFIX=${LIBDIR#"$PREFIX"/} ;;
  *) die "LIBDIR has to be inside PREFIX: $LIBDIR" ;;
esac
case $INCLUDEDIR in
  "$PREFIX"/*) INCLUDEDIR_IN_PREFIX=${INCLUDEDIR#"$PREFIX"/} ;;
  *) die "INCLUDEDIR has to be inside PREFIX: $INCLUDEDIR" ;;
esac

PKGCONFIGDIR=$LIBDIR/pkgconfig
CMAKEDIR=$LIBDIR/cmake/posthog
HEADERS=(posthog.h posthog.hpp posthog/config.hpp posthog/event.hpp posthog/flags.hpp posthog/properties.hpp)
INSTALLED=(
  "${HEADERS[@]/#/$INCLUDEDIR/}"
  "$LIBDIR/$SHARED" "$LIBDIR/$SHARED_MAJOR" "$LIBDIR/$SHARED_FULL" "$LIBDIR/libposthog.a"
  "$PKGCONFIGDIR/posthog.pc"
  "$CMAKEDIR/posthogConfig.cmake" "$CMAKEDIR/posthogConfigVersion.cmake"
)
