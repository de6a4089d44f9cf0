/* What a program finds itself in after liveswap-launch: one fact a line, on standard output. Each line is
   NAME=VALUE; descriptors come by number with what they are open on, without the one used for looking. */
#include <dirent.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void print_descriptors(void) {
  DIR *directory = opendir("/proc/self/fd");
  struct dirent *entry;
  while ((entry = readdir(directory)) != NULL) {
    char target[4096];
    ssize_t size;
    if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(directory)) continue;
    size = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);
    target[size > 0 ? size : 0] = '\0';
    printf("fd %s=%s\n", entry->d_name, target);
  }
  closedir(directory);
}

static void print_file(const char *path, const char *only) {
  char line[4096];
  FILE *file = fopen(path, "re");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    char *colon = strchr(line, ':');
    line[strcspn(line, "\n")] = '\0';
    if (colon == NULL) {
      printf("%s=%s\n", only, line);
    } else if (strstr(only, strtok(line, ":")) != NULL) {
      printf("%s=%s\n", line, colon + 1 + strspn(colon + 1, " \t"));
    }
  }
  if (file != NULL) fclose(file);
}

static void print_limit(const char *name, int resource) {
  struct rlimit limit;
  getrlimit(resource, &limit);
  printf("%s=%lld:%lld\n", name, (long long)limit.rlim_cur, (long long)limit.rlim_max);
}

/* With more descriptors open than the limit allows, none could be opened to look at them. */
static void raise_file_limit(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static void print_identity(void) {
  gid_t groups[64];
  int count = getgroups(64, groups);
  printf("pid=%d\nuid=%d\ngid=%d\ngroups=", getpid(), geteuid(), getegid());
  for (int i = 0; i < count; ++i) printf("%s%d", i > 0 ? "," : "", groups[i]);
  printf("\nleads session=%d\nleads group=%d\n", getsid(0) == getpid(), getpgid(0) == getpid());
}

int main(int argc, char **argv) {
  char cwd[4096];
  mode_t mask = umask(0);
  for (int i = 0; i < argc; ++i) printf("argument %d=%s\n", i, argv[i]);
  for (char **variable = environ; *variable != NULL; ++variable) printf("variable %s\n", *variable);
  printf("cwd=%s\numask=%03o\n", getcwd(cwd, sizeof cwd), (unsigned)mask);
  print_identity();
  print_limit("nofile", RLIMIT_NOFILE);
  print_limit("core", RLIMIT_CORE);
  raise_file_limit();
  print_file("/proc/self/status", "SigBlk SigIgn SigCgt CapPrm CapEff CapAmb");
  print_file("/proc/self/oom_score_adj", "oom");
  print_descriptors();
  return 0;
}
