// Runs a program one instruction at a time and prints each address of its text when it is executed for
// the first time: "ADDRESS ORDER". For scripts/start-order, which makes the linker's symbol order.
//
//   stepper SPECIFICATION-FILE PROGRAM [ARGUMENT…]     the file becomes descriptor 3
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

// The worker is linked statically at 2 MiB and is smaller than this.
#define TEXT_END 0x2000000
static uint8_t seen[TEXT_END];

static void become(char **arguments) {
  int specification = open(arguments[1], O_RDONLY);
  int output = open("/dev/null", O_WRONLY);
  if (specification < 0 || output < 0 || dup2(specification, 3) < 0 || dup2(output, 1) < 0) _exit(71);
  ptrace(PTRACE_TRACEME, 0, 0, 0);
  execv(arguments[2], arguments + 2);
  _exit(127);
}

int main(int count, char **arguments) {
  if (count < 3) {
    fprintf(stderr, "usage: stepper SPECIFICATION-FILE PROGRAM [ARGUMENT]...\n");
    return 64;
  }
  pid_t child = fork();
  if (child == 0) become(arguments);
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) {
    fprintf(stderr, "stepper: cannot trace %s\n", arguments[2]);
    return 71;
  }
  ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACECLONE);
  ptrace(PTRACE_SINGLESTEP, child, 0, 0);
  unsigned order = 0;
  for (;;) {
    pid_t thread = waitpid(-1, &status, __WALL);
    if (thread < 0) break;
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (thread == child) break;
      continue;
    }
    struct user_regs_struct registers;
    if (ptrace(PTRACE_GETREGS, thread, 0, &registers) == 0 && registers.rip < TEXT_END && !seen[registers.rip]) {
      seen[registers.rip] = 1;
      printf("%016llx %u\n", registers.rip, order++);
    }
    // Stops of the tracing itself are not passed on; real signals are.
    int number = WSTOPSIG(status);
    ptrace(PTRACE_SINGLESTEP, thread, 0, number == SIGTRAP || number == SIGSTOP ? 0 : number);
  }
  return 0;
}
