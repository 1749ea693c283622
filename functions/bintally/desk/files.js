// The files that somebody chose or dropped, folders included, as `{path, file}` with a path such as P-17-C/photo.jpg.
// `file` is null for what can't be read.

export const chosenFiles = (files) => [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));

export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  const found = await Promise.all(entries.map(filesOf));
  return found.flat().filter(({ path }) => !path.split("/").at(-1).startsWith("."));
}

async function filesOf(entry) {
  const path = entry.fullPath.replace(/^\//, "");
  const found = [];
  try {
    if (entry.isFile) return [{ path, file: await new Promise((resolve, reject) => entry.file(resolve, reject)) }];
    const reader = entry.createReader();
    for (;;) { // readEntries gives up to 100 at a time, and nothing at the end
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return found;
      for (const each of some) found.push(...(await filesOf(each)));
    }
  } catch {
    return [...found, { path, file: null }];
  }
}
