import Testing

@testable import Server

@Suite struct AvailableCoresTests {
  @Test(
    arguments: [
      (8, [], 8), (8, ["max 100000\n"], 8), (8, ["200000 100000\n"], 2), (8, ["150000 100000"], 2),
      (8, ["10000 100000"], 1), (8, ["max 100000", "400000 100000", "300000 50000"], 4), (2, ["800000 100000"], 2),
      (0, [], 1), (4, ["", "x y", "100000", "-1 100000", "100000 0", "max"], 4),
    ] as [(Int, [String], Int)])
  func theSmallestBoundCounts(_ affinity: Int, _ quotas: [String], _ cores: Int) {
    #expect(AvailableCores.count(affinity: affinity, quotas: quotas) == cores)
  }

  @Test(
    arguments: [
      ("Name:\tkassa\nCpus_allowed:\tff\nCpus_allowed_list:\t0-7\n", 8), ("Cpus_allowed_list:\t3\n", 1),
      ("Cpus_allowed_list:\t0-1,4,6-7\n", 5), ("Cpus_allowed:\tff\n", nil), ("Cpus_allowed_list:\t\n", nil),
      ("Cpus_allowed_list:\t7-0\n", nil), ("Cpus_allowed_list:\ta-b\n", nil),
    ] as [(String, Int?)])
  func affinity(_ status: String, _ cores: Int?) { #expect(AvailableCores.affinity(status: status) == cores) }

  @Test(arguments: [
    ("0::/\n", ["/sys/fs/cgroup/cpu.max"]),
    (
      "0::/system.slice/kassa.service\n",
      [
        "/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/system.slice/cpu.max",
        "/sys/fs/cgroup/system.slice/kassa.service/cpu.max",
      ]
    ),
    ("12:cpu,cpuacct:/a\n0::/b\n", ["/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/b/cpu.max"]),
    ("12:cpu,cpuacct:/a\n", []), ("", []),
  ])
  func quotasOfACgroupAndThoseAbove(_ membership: String, _ files: [String]) {
    #expect(AvailableCores.quotaFiles(membership: membership) == files)
  }

  @Test func thisProcessHasSome() { #expect((1...8_192).contains(AvailableCores.ofThisProcess())) }
}
