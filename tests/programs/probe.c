/* A program that is called `aws` in the tests: it appends what it finds about itself to the file `reports`
 * beside it, and then does what its first argument says. In C, so that what it finds is what execve gave.
 *
 * A report is sections, `NAME LENGTH\n` and LENGTH bytes; the last is `end 0`. See probe.py. */

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

static FILE *report;

static void section(const char *name, const char *data, size_t length) {
    fprintf(report, "%s %zu\n", name, length);
    fwrite(data, 1, length, report);
}

static void strings(const char *name, char **list) {
    size_t length = 0;
    for (char **each = list; *each; each++) length += strlen(*each) + 1;
    fprintf(report, "%s %zu\n", name, length);
    for (char **each = list; *each; each++) fwrite(*each, 1, strlen(*each) + 1, report);
}

static void file(const char *name, const char *path) {
    static char data[1 << 16];
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = 0, part;
    while (descriptor >= 0 && (part = read(descriptor, data + length, sizeof data - length)) > 0) length += part;
    section(name, data, length);
    if (descriptor >= 0) close(descriptor);
}

static void number(const char *name, long value) {
    char text[32];
    section(name, text, snprintf(text, sizeof text, "%ld", value));
}

/* Each open descriptor: its number, what it is, its flags and position. */
static void descriptors(void) {
    char *text, path[64], target[PATH_MAX];
    size_t length;
    FILE *out = open_memstream(&text, &length);
    DIR *directory = opendir("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(directory));) {
        int descriptor = atoi(entry->d_name);
        if (entry->d_name[0] == '.' || descriptor == dirfd(directory)) continue;
        snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
        ssize_t size = readlink(path, target, sizeof target);
        fprintf(out, "%d %.*s %o %lld\n", descriptor, (int)size, target, fcntl(descriptor, F_GETFL),
                (long long)lseek(descriptor, 0, SEEK_CUR));
    }
    closedir(directory);
    fclose(out);
    section("descriptors", text, length);
}

static void terminal(void) {
    int descriptor = open("/dev/tty", O_RDWR | O_CLOEXEC);
    struct termios mode = {0};
    struct winsize size = {0};
    if (descriptor >= 0) {
        tcgetattr(descriptor, &mode);
        ioctl(descriptor, TIOCGWINSZ, &size);
        number("is in the foreground", tcgetpgrp(descriptor) == getpgrp());
        close(descriptor);
    }
    section("terminal mode", (char *)&mode, sizeof mode);
    section("window size", (char *)&size, sizeof size);
}

static void say(char **argv, char **envp, const char *directory) {
    char path[PATH_MAX + 16], *text;
    size_t length;
    report = open_memstream(&text, &length);
    number("pid", getpid());
    number("parent", getppid());
    number("group", getpgrp() == getpid() ? 0 : getpgrp());
    number("session", getsid(0) == getpid() ? 0 : getsid(0));
    strings("argv", argv);
    strings("environment", envp);
    const char *name = (const char *)getauxval(AT_EXECFN);
    section("path", name, strlen(name));
    ssize_t size = readlink("/proc/self/cwd", path, sizeof path);
    section("directory", path, size);
    file("status", "/proc/self/status");
    file("limits", "/proc/self/limits");
    file("out of memory", "/proc/self/oom_score_adj");
    file("control group", "/proc/self/cgroup");
    snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    file("children", path);
    number("nice", getpriority(PRIO_PROCESS, 0));
    number("scheduler", sched_getscheduler(0));
    number("may be read", prctl(PR_GET_DUMPABLE));
    number("timer slack", prctl(PR_GET_TIMERSLACK));
    int death = 0, reaper = 0;
    prctl(PR_GET_PDEATHSIG, &death);
    prctl(PR_GET_CHILD_SUBREAPER, &reaper);
    number("dies with parent", death);
    number("adopts", reaper);
    struct itimerval timer = {0};
    getitimer(ITIMER_REAL, &timer);
    number("has a timer", timer.it_value.tv_sec > 0);
    descriptors();
    terminal();
    fputs("end 0\n", report);
    fclose(report);
    snprintf(path, sizeof path, "%s/reports", directory);
    int out = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (out < 0 || write(out, text, length) != (ssize_t)length) _exit(99);
    close(out);
}

/* Call a program with an environment that no shell would make. */
static void with_odd_environment(char **argv, char **envp) {
    static char *odd[] = {"NO_EQUALS_SIGN", "=empty name", "==", "TWICE=1", "TWICE=2", "AWS_SECRET_ACCESS_KEY=1",
                          "AWS_SECRET_ACCESS_KEY=2", "AWS_PROFILE", "LC_CTYPE=POSIX", "LC_CTYPE=POSIX", NULL};
    static char *all[4096];
    size_t count = 0;
    for (; envp[count]; count++) all[count] = envp[count];
    memcpy(all + count, odd, sizeof odd);
    execvpe(argv[1], argv + 1, all);
    _exit(99);
}

static void resized(int signal) {
    struct winsize size = {0};
    char line[64];
    ioctl(0, TIOCGWINSZ, &size);
    int length = snprintf(line, sizeof line, "%s %dx%d\n", signal ? "now" : "size", size.ws_col, size.ws_row);
    if (write(1, line, length) < 0) _exit(99);
}

static volatile sig_atomic_t in_front = 1;

static void continued(int signal) {
    in_front = 0;
}

int main(int argc, char **argv, char **envp) {
    char directory[PATH_MAX] = {0};
    if (readlink("/proc/self/exe", directory, sizeof directory - 1) < 0) return 99;
    *strrchr(directory, '/') = 0;
    if (!strcmp(argv[0], "odd-environment")) with_odd_environment(argv, envp);
    say(argv, envp, directory);
    const char *verb = argc > 1 ? argv[1] : "", *detail = argc > 2 ? argv[2] : "";
    if (!strcmp(verb, "exit")) return atoi(detail);
    if (!strcmp(verb, "die")) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        kill(getpid(), atoi(detail));
    }
    if (!strcmp(verb, "copy") || !strcmp(verb, "pour"))
        for (char part[4096] = "y\n";;) {
            ssize_t length = *verb == 'c' ? read(0, part, sizeof part) : 2;
            if (length <= 0 || write(1, part, length) < 0) return length ? errno : 0;
        }
    if (!strcmp(verb, "watch")) {
        sigset_t change, none;
        sigemptyset(&none);
        sigemptyset(&change);
        sigaddset(&change, SIGWINCH);
        sigprocmask(SIG_BLOCK, &change, NULL);
        signal(SIGWINCH, resized);
        resized(0);
        sigsuspend(&none);
    }
    if (!strcmp(verb, "rest")) {
        signal(SIGCONT, continued);
        for (puts("resting");; usleep(10000)) {
            int now_in_front = tcgetpgrp(0) == getpgrp();
            if (now_in_front && !in_front) puts("in front"); /* from here on, Ctrl-C is for this job */
            in_front = now_in_front;
            fflush(stdout);
        }
    }
    return 0;
}
