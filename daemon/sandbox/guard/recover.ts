/** Settles what runs of daemons that are gone made at protected names, each workspace with the record that they left. */
import { openGuard } from './guard.ts';
import { findRecords } from './guard-record.ts';

/**
 * For all workspaces. What is to be told is left for who opens the workspace next. Where rules of a policy let commands make
 * more than was asked for, nothing is touched before somebody comes who knows them.
 */
export async function recoverAll(records: string): Promise<void> {
  for (const { record, isUncertain } of findRecords(records)) {
    if (isUncertain) continue;
    const { workspace, account, quarantine, names } = record;
    const guard = openGuard({ workspace, account, quarantine, names, records, mayMake: () => false });
    await guard.settleLeft();
    guard.release();
  }
}
