/**
 * Before the tests: makes sure that the servers, the browser and the languages they run are installed. On Debian and its
 * kin they are installed here; elsewhere one line says what to install. Nothing is ever skipped for want of them.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** Programs of which any one will do, and the Debian packages that bring one. */
const NEEDED = [
  { programs: ["chromium", "chromium-browser", "google-chrome"], packages: ["chromium", "fonts-liberation"] },
  { programs: ["redis-server"], packages: ["redis-server"] },
  { programs: ["python3"], packages: ["python3"] },
];

function missing() {
  return NEEDED.filter(({ programs }) => !programs.some(isInstalled));
}

function isInstalled(program) {
  // Servers live in sbin, which the path of an ordinary user may lack.
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What to put before `apt-get`; undefined where this user can't install. */
function installer() {
  if (!isInstalled("apt-get")) return undefined;
  if (process.getuid?.() === 0) return [];
  const sudo = ["sudo", "--non-interactive"];
  return succeeds([...sudo, "true"]) ? sudo : undefined;
}

function succeeds([program, ...args]) {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

function install(prefix, packages) {
  console.log(`Installing what the tests need: ${packages.join(", ")} …`);
  // RUNLEVEL 1 asks the packages not to start their services: the tests start their own.
  const environment = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"];
  const apt = [...prefix, ...environment, "apt-get", "-qq", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=120"];
  for (const args of [["update"], ["install", "--yes", "--no-install-recommends", ...packages]]) {
    const [program, ...rest] = [...apt, ...args];
    const { status, error } = spawnSync(program, rest, { stdio: ["ignore", "ignore", "inherit"] });
    if (status !== 0) return console.error(`\`apt-get ${args.join(" ")}\` failed${error ? `: ${error.message}` : "."}`);
  }
}

const prefix = missing().length > 0 ? installer() : undefined;
if (prefix !== undefined)
  install(
    prefix,
    missing().flatMap(({ packages }) => packages),
  );

const lacking = missing().map(({ programs }) => programs[0]);
if (lacking.length > 0) {
  console.error(`The tests need ${lacking.join(" and ")}: install what is missing and run them again.`);
  process.exitCode = 1;
}
