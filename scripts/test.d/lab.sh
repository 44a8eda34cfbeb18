# shellcheck shell=bash
# The lab stage of scripts/test: every suite of LabTests in a lab of its own.
#
# The lab's machine is emulated, and now and then it is the machine that breaks: QEMU ends while the tests run
# (docs/lab.md). That says nothing of the tests. So its evidence is printed and the suite runs once more, in a
# new lab; a second time is a failure. A test that failed before the machine ended stays failed.

# How long a suite may take: several times what the longest takes, and room for a boot that hangs for 300 s.
readonly lab_suite_seconds=900

# Prints the suites, one a line: the tests' names up to the function, as in LabTests.LabSuite/DiskTests.
lab_suites() {
    .build/debug/roostPackageTests.xctest --testing-library swift-testing --list-tests |
        sed -nE 's,^(LabTests\..*)/[^/]+\(.*,\1,p' | sort -u
}

# Runs the suite, with all that it prints in the log.
run_lab_suite() { # SUITE LOG
    scripts/lab --timeout "$lab_suite_seconds" -- .build/debug/roostPackageTests.xctest \
        --testing-library swift-testing --filter "^${1//./\\.}/" >"$2" 2>&1
}

# Whether the lab's machine ended amid a suite of which no test had failed. The status alone does not tell: the
# tests' own runner ends with 69 too, if it finds no test.
lab_machine_ended() { # STATUS LOG
    [ "$1" = 69 ] && grep -q '^lab: the lab ended before the command did' "$2" &&
        ! grep -qE '^✘ Test .* (failed after|recorded an issue)' "$2"
}

# Runs all suites, or those with ROOST_LAB_SUITES (a regular expression) in their names, and counts their tests.
test_in_lab() {
    local suite log status suites
    suites=$(lab_suites | grep -E -- "${ROOST_LAB_SUITES-}")
    if [ -z "$suites" ]; then
        count 1 "LabTests: no suite is to run"
        return
    fi
    for suite in $suites; do
        log=.build/test/lab-${suite##*/}.log
        run_lab_suite "$suite" "$log"
        status=$?
        if lab_machine_ended "$status" "$log"; then
            lab_restarts=$((lab_restarts + 1))
            mv "$log" "${log%.log}.ended.log"
            echo "The lab's own machine ended amid $suite, which runs once more (${log%.log}.ended.log):"
            grep -E '^lab: |^◇ Test .* started' "${log%.log}.ended.log"
            run_lab_suite "$suite" "$log"
            status=$?
        fi
        grep '^lab: ' "$log"
        # A boot that the emulation spoiled: what the machine was doing.
        sed -n '/recorded a known issue/,/^[━✔✘◇] /p' "$log" | cut -c1-4000
        count_swift_testing "$log" "$status" "the lab, $suite,"
    done
}
