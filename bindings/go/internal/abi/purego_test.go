//go:build !cgo || posthog_purego

package abi

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The tests are programs of their own: a process loads the library once. This one, run again, says
// what Load answers.
func TestMain(m *testing.M) {
	if os.Getenv("ABI_TEST_LOAD") != "" {
		err := Load()
		if err != nil {
			os.Stdout.WriteString(err.Error())
			os.Exit(1)
		}
		os.Stdout.WriteString(origin())
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// loads runs a copy of this program in a folder of its own.
func loads(t *testing.T, folder string, variables ...string) (string, bool) {
	t.Helper()
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(folder, "program")
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program)
	command.Env = append(variables, "ABI_TEST_LOAD=1")
	output, err := command.CombinedOutput()
	return string(output), err == nil
}

func library(t *testing.T) string {
	file := os.Getenv(Variable)
	if file == "" {
		t.Skipf("%s is not set: run this by 'make test'", Variable)
	}
	return file
}

func TestTheVariableNamesTheLibrary(t *testing.T) {
	file := library(t)
	if answer, ok := loads(t, t.TempDir(), Variable+"="+file); !ok || answer != file {
		t.Error(answer)
	}
	// It is what the user wants, or nothing: there is no other place then.
	folder := t.TempDir()
	link(t, file, filepath.Join(folder, name()))
	answer, ok := loads(t, folder, Variable+"=/nowhere/libposthog.so")
	if ok || !strings.Contains(answer, Variable+"=/nowhere/libposthog.so cannot be loaded") {
		t.Error(answer)
	}
}

func TestTheLibraryIsFoundBesideTheExecutable(t *testing.T) {
	folder := t.TempDir()
	beside := filepath.Join(folder, name())
	link(t, library(t), beside)
	if answer, ok := loads(t, folder); !ok || answer != beside {
		t.Error(answer)
	}
}

func TestTheLibraryIsFoundInTheSystem(t *testing.T) {
	folder := t.TempDir()
	link(t, library(t), filepath.Join(folder, name()))
	answer, ok := loads(t, t.TempDir(), "LD_LIBRARY_PATH="+folder, "DYLD_LIBRARY_PATH="+folder)
	if !ok || answer != name() {
		t.Error(answer)
	}
	answer, ok = loads(t, t.TempDir())
	if ok || !strings.Contains(answer, "name its file in "+Variable) {
		t.Error(answer)
	}
}

func TestAnotherVersionIsRefused(t *testing.T) {
	for source, expected := range map[string]string{
		`const char *ph_version(void) { return "9.8.7"; } int ph_status_text;`: "this package is for " +
			"libposthog " + Version + ", but ",
		`int nothing;`: "is not libposthog",
	} {
		folder := t.TempDir()
		file := filepath.Join(folder, "other.so")
		compile := exec.Command("cc", "-shared", "-fPIC", "-x", "c", "-", "-o", file)
		compile.Stdin = strings.NewReader(source)
		if output, err := compile.CombinedOutput(); err != nil {
			t.Skipf("no C compiler here: %v %s", err, output)
		}
		answer, ok := loads(t, folder, Variable+"="+file)
		if ok || !strings.Contains(answer, expected) || !strings.Contains(answer, file) {
			t.Error(answer)
		}
	}
}

func link(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Symlink(from, to); err != nil {
		t.Fatal(err)
	}
}
