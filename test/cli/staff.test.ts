import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { operator } from '#test/support/bench-target.ts';
import { openMemoryBench } from '#test/support/run-bench.ts';
import { temporaryFolder } from '#test/support/temporary-folder.ts';

let folder: string;
let resegment: ReturnType<typeof operator>;
beforeEach(() => {
  folder = temporaryFolder('staff');
  resegment = operator(openMemoryBench());
});

const MAP = 'name=who,email=mail,superior=boss,branch=branch,role=role,language=lang';
const HEADER = 'who,mail,boss,branch,role,lang';
const importing = (rows: readonly string[], ...more: readonly string[]) => {
  const file = path.join(folder, 'staff.csv');
  writeFileSync(file, [HEADER, ...rows, ''].join('\n'));
  return resegment('import', 'staff', file, '--map', MAP, ...more);
};
const rejects = (): string => readFileSync(path.join(folder, 'staff.csv.rejects.csv'), 'utf8');

const LI = 'Li Wei,li@bank.example.com,Wang Fang,Pudong,,zh';
const WANG = 'Wang Fang,wang@bank.example.com,,Pudong,branchhead,en';

describe('the staff directory', () => {
  it('is imported, and the same file again changes nothing', async () => {
    expect((await importing([LI, WANG], '--json')).json).toMatchObject({
      accepted: 2,
      rejected: 0,
      new: 2,
      changed: 0,
    });
    expect((await importing([LI, WANG], '--json')).json).toMatchObject({ new: 0, changed: 0, unchanged: 2 });
    expect((await importing([LI.replace('li@', 'wei.li@')], '--json')).json).toMatchObject({ changed: 1 });

    expect((await resegment('staff', 'list', '--json')).json).toEqual([
      {
        name: 'Li Wei',
        email: 'wei.li@bank.example.com',
        superior: 'Wang Fang',
        branch: 'Pudong',
        role: 'manager',
        language: 'zh-CN',
      },
      expect.objectContaining({ name: 'Wang Fang', role: 'branchHead', superior: null }),
    ]);
    expect((await resegment('staff', 'list', '--branch', 'Pudong', '--lang', 'zh-CN')).out).toContain('网点负责人');
    expect((await resegment('staff', 'list', '--branch', 'Nowhere')).out).toContain('nobody');
  });

  it('lists itself as a file that it takes again', async () => {
    await importing([LI, WANG]);
    const file = path.join(folder, 'again.csv');
    writeFileSync(file, (await resegment('staff', 'list', '--csv')).out);

    const again = await resegment('import', 'staff', file, '--map', 'name=name,email=email', '--json');

    expect(again.json).toMatchObject({ unchanged: 2, changed: 0, rejected: 0 });
  });

  it('rejects rows it cannot use, with the line and the reason, and takes the others', async () => {
    const said = await importing(
      [
        LI,
        WANG,
        ',x@bank.example.com,,,,',
        'No Mail,,,,,',
        'Bad Mail,x y,,,,',
        'Cook,cook@bank.example.com,,,chef,',
        'Head,head@bank.example.com,,,branchHead,',
        'French,fr@bank.example.com,,,,fr',
        'Li Wei,other@bank.example.com,,,,',
        'Orphan,o@bank.example.com,Nobody,,,',
        'Below Orphan,b@bank.example.com,Orphan,,,',
        'Short,s@bank.example.com',
      ],
      '--json',
    );

    expect(said.json).toMatchObject({ rows: 12, accepted: 2, rejected: 10, new: 2 });
    const written = rejects();
    for (const [line, reason] of [
      [4, 'the name is empty'],
      [5, 'the email is empty'],
      [6, 'the email is no address'],
      [7, 'none of manager, branchHead, central'],
      [8, 'a branchHead needs a branch'],
      [9, 'none of en, zh-CN'],
      [10, 'is there before, in line 2'],
      [11, 'neither in the file nor in the directory'],
      [12, 'neither in the file nor in the directory'],
      [13, 'the row has 2 fields, the header 6'],
    ] as const) {
      expect(written.split('\n').find((one) => one.startsWith(`${line},`))).toContain(reason);
    }
  });

  it('refuses superiors that go round in a circle, also through the directory, and writes nothing', async () => {
    await importing([LI, WANG]);

    const circle = await importing(['Wang Fang,wang@bank.example.com,Li Wei,Pudong,branchHead,en'], '--json');

    expect(circle).toMatchObject({ code: 2, json: { error: { code: 'staff-circle' } } });
    expect(circle.out).toContain('staff.csv, line 2');
    expect(circle.out).toMatch(/Li Wei → Wang Fang → Li Wei|Wang Fang → Li Wei → Wang Fang/u);
    expect((await resegment('staff', 'list', '--json')).json).toMatchObject([
      {},
      { name: 'Wang Fang', superior: null },
    ]);
  });

  it('only checks with --dry-run, and needs the columns of name and email', async () => {
    expect((await importing([LI, WANG], '--dry-run')).out).toContain('nothing was written');
    expect((await resegment('staff', 'list', '--json')).json).toEqual([]);

    const file = path.join(folder, 'staff.csv');
    const unmapped = await resegment('import', 'staff', file, '--map', 'name=who', '--json');
    expect(unmapped).toMatchObject({ code: 2, json: { error: { code: 'mapping-invalid' } } });
    expect(unmapped.out).toContain('which column is the email');
  });

  it('says who gets the mails of a branch with two heads', async () => {
    const said = await importing([WANG, 'An Yi,an@bank.example.com,,Pudong,branchHead,']);

    expect(said.out).toContain('branch Pudong has 2 heads; mails go to the first by name, An Yi');
  });

  it('loses an employee for good, and says whose superior that was', async () => {
    await importing([LI, WANG]);

    expect((await resegment('staff', 'remove', 'Wang Fang')).out).toContain('was the superior of Li Wei');
    expect((await resegment('staff', 'remove', 'Wang Fang', '--json')).json).toMatchObject({
      error: { code: 'staff-unknown' },
    });
    expect((await resegment('staff', 'list', '--json')).json).toMatchObject([{ name: 'Li Wei' }]);
  });
});
