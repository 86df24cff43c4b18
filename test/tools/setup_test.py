"""tools/setup against a package manager made of stubs: what it says and what it asks for."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

SETUP = pathlib.Path(os.environ["GRAVEN_SOURCE"]) / "tools/setup"
PACKAGES = subprocess.run([SETUP, "--list"], capture_output=True, text=True, check=True).stdout.split()
PLAIN = ["bash", "env", "grep", "sed", "sort", "tail", "mktemp", "rm", "cat"]


class SetupTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name in PLAIN:
            (self.folder / name).symlink_to(shutil.which(name))
        self.asked = self.folder / "asked"

    def stub(self, name, script):
        path = self.folder / name
        path.write_text(f"#!{shutil.which('bash')}\n{script}\n")
        path.chmod(0o755)

    def manager(self, installed=(), known=None, update=0, install=0, user=0):
        """Stubs of a package manager that has `installed` and knows `known` (None: everything)."""
        listing = "".join(f"ii {name}\\n" for name in installed)
        self.stub("dpkg-query", f"printf '{listing}'; exit 1")
        self.stub("apt-get", f'''echo "$@" >> "{self.asked}"
for word in "$@"; do
  [ "$word" = update ] && {{ [ {update} = 0 ] || echo "Err:1 cannot resolve"; exit {update}; }}
  [ "$word" = install ] && exit {install}
done''')
        if known is None:
            self.stub("apt-cache", "exit 0")
        else:
            self.stub("apt-cache", f'''[ "$1" = pkgnames ] && {{ printf 'llvm-14-dev\\nllvm-19-dev\\n'; exit 0; }}
case " {' '.join(known)} " in *" $2 "*) exit 0;; esac
exit 1''')
        self.stub("id", f"echo {user}")

    def run_setup(self, *arguments):
        done = subprocess.run([shutil.which("bash"), SETUP, *arguments], capture_output=True, text=True,
                              env={"PATH": str(self.folder), "TMPDIR": str(self.folder)},
                              stdin=subprocess.DEVNULL, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def calls(self):
        return self.asked.read_text() if self.asked.exists() else ""

    def test_does_nothing_where_all_is_installed(self):
        self.manager(installed=PACKAGES)
        self.assertEqual(self.run_setup(), (0, "setup: all packages are installed\n"))
        self.assertEqual(self.calls(), "")

    def test_installs_what_is_missing_and_no_more(self):
        self.manager(installed=PACKAGES[1:])
        status, said = self.run_setup()
        self.assertEqual(status, 0, said)
        self.assertIn(f"installing 1 of {len(PACKAGES)} packages: {PACKAGES[0]}\n", said)
        self.assertRegex(self.calls(), rf"install -y --no-install-recommends {PACKAGES[0].replace('+', '.')}\n")

    def test_uses_sudo_where_it_asks_for_no_password(self):
        self.manager(user=1000)
        self.stub("sudo", f'''[ "$1" = -n ] || exit 9; shift; [ "$1" = true ] && exit 0
echo sudo >> "{self.asked}"; exec "$@"''')
        self.assertEqual(self.run_setup()[0], 0)
        self.assertIn("sudo\n", self.calls())

    def test_says_what_to_run_where_sudo_asks_for_a_password(self):
        self.manager(user=1000)
        self.stub("sudo", "exit 1")
        status, said = self.run_setup()
        self.assertEqual(status, 1)
        self.assertIn("sudo asks for a password", said)
        self.assertIn("run this once: sudo", said)

    def test_says_so_where_there_is_no_sudo(self):
        self.manager(user=1000)
        status, said = self.run_setup()
        self.assertEqual(status, 1)
        self.assertIn("this user cannot install them", said)

    def test_says_so_where_there_is_no_apt(self):
        status, said = self.run_setup()
        self.assertEqual(status, 1)
        self.assertIn("this system has no apt", said)
        self.assertIn("llvm-22-dev", said)

    def test_says_so_where_there_is_no_network(self):
        self.manager(known=[], update=100)
        status, said = self.run_setup()
        self.assertEqual(status, 1)
        self.assertIn("the package lists could not be fetched", said)
        self.assertIn("cannot resolve", said)
        self.assertNotIn("install", self.calls())

    def test_names_the_newest_llvm_where_there_is_no_22(self):
        self.manager(known=[name for name in PACKAGES if "22" not in name])
        status, said = self.run_setup()
        self.assertEqual(status, 1)
        self.assertIn("there is no LLVM 22 in this system's package archive: llvm-22-dev", said)
        self.assertIn("the newest there is LLVM 19", said)

    def test_shows_what_apt_said_when_it_fails(self):
        self.manager(install=100)
        status, said = self.run_setup()
        self.assertEqual(status, 1)
        self.assertIn("apt-get could not install the packages", said)

    def test_refuses_an_argument_it_does_not_know(self):
        self.manager()
        status, said = self.run_setup("--quiet")
        self.assertEqual(status, 1)
        self.assertIn("unknown argument '--quiet'", said)


if __name__ == "__main__":
    unittest.main()
